from mmfncontra.config.near_names import did_you_mean, near_names

KINDS = ['FewShotDataset', 'RepeatDataset', 'BaseDataset']


def test_what_is_far_off_is_left_out():
    assert near_names('FewShotDatset', KINDS) == ['FewShotDataset']
    assert near_names('Sampler', KINDS) == []


def test_what_is_equally_near_is_there():
    assert near_names('a_3', ['a_1', 'a_2', 'b']) == ['a_1', 'a_2']
    assert near_names('a_3', ['a_1', 'a_2', 'b'], num=1) == ['a_1']


def test_capitals_do_not_count():
    assert near_names('linearlr', ['LinearLR', 3]) == ['LinearLR']


def test_hint():
    assert did_you_mean('a_3', ['a_1', 'a_2', 'b']) == '; did you mean a_1 or a_2?'
    assert did_you_mean('a_3', ['a_1'], shown=repr) == "; did you mean 'a_1'?"
    assert did_you_mean(None, KINDS) == ''
    assert did_you_mean('Sampler', KINDS, 'ask') == '; ask'
