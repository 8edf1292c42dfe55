from mmfncontra.utils.one_line import one_line


def test_a_short_message_stays_whole():
    assert one_line(ValueError('it is\n  wrong')) == 'it is wrong'


def test_the_end_of_a_long_message_is_kept():
    said = one_line(f'a config is wrong: {"very " * 200}so put _base_ first', most=100)
    assert said.startswith('a config is wrong: very') and said.endswith('very so put _base_ first')
    assert len(said) <= 103 and ' … ' in said


def test_a_single_long_word_is_shortened_too():
    assert one_line('x' * 1000, most=10) == 'xxxxx … xxxxx'
