import json
import shlex

import pytest
import torch
from bad_input import check, complaint
from commands import load_tool


@pytest.fixture
def files(place):
    """A trained toy generator, and files that are none of what a tool takes."""
    import toy_gan
    from toy_config import write_toy_config

    (place / 'run').mkdir()
    write_toy_config(place / 'run')
    state = toy_gan.ToyGenerator(width=4).state_dict()
    state = {f'{name}.{k}': v for k, v in state.items() for name in ('generator',)}
    ema = {name.replace('generator.', 'generator_ema.module.'): v for name, v in state.items()}
    torch.save(dict(state_dict=state | ema), place / 'run' / 'iter_2.pth')
    (place / 'alone').mkdir()
    torch.save(dict(state_dict=state), place / 'alone' / 'a.pth')
    (place / 'empty').mkdir()
    (place / 'file').write_text('x')
    torch.save(dict(g={}, d={}), place / 'gd.pth')
    for name, text in {
        'bad.json': '{',
        'list.json': '[]',
        'new.json': '{"version": 9}',
        'broken.yaml': 'a: [1',
        'dict.yaml': 'a: 1',
        'typo.yaml': '- name: x\n  cnfig: y',
        'slash.yaml': '- name: a/b',
        'none.yaml': '- name: x\n  options: [a]',
    }.items():
        (place / name).write_text(text)
    for num in (10, 20):
        card = dict(metrics=dict(fid=1.0), depends=dict(inception=dict(num_fake=num)))
        (place / f'card{num}.json').write_text(json.dumps(card))
    return place


LINES = [
    # What is given, the words for the culprit, the words for what would be right.
    ('train nowhere.py', r'nowhere\.py', 'does not exist'),
    ('train base.py --data nowhere', '--data nowhere', 'there is no folder or zip'),
    ('train base.py --seed -1', 'seed', '0 to 4294967295, got -1'),
    ('train base.py --seed 99999999999', 'seed', '0 to 4294967295, got 99999999999'),
    ('train base.py --work-dir file/run', 'file/run', 'take another --work-dir'),
    ('train base.py --resume nowhere.pth', r'nowhere\.pth', 'does not exist'),
    ('train base.py --cfg-options max_iters', "'max_iters'", 'key=value'),
    ('generate nowhere.pth', r'nowhere\.pth', 'does not exist'),
    ('generate file', 'file', r'torch\.save did not write it'),
    ('generate run', 'run', r'name a \.pth file'),
    ('generate alone/a.pth', 'alone', '--no-ema|--config FILE'),
    ('generate alone/a.pth --no-ema', 'alone', '--config FILE'),
    ('generate run/iter_2.pth --num 0', 'num', '1 or more, got 0'),
    ('generate run/iter_2.pth --num -3', 'num', '1 or more, got -3'),
    ('generate run/iter_2.pth --seed 99999999999999999999', 'seed', '64 bits'),
    ('generate run/iter_2.pth --batch-size 0', 'batch_size', '1 or more, got 0'),
    ('generate run/iter_2.pth --out file', 'out', 'must be a folder'),
    ('generate run/iter_2.pth --out file/sub', 'file/sub', 'name another place'),
    ('generate run/iter_2.pth --truncation 0.5', 'truncation', 'must be 1 .*got 0.5'),
    ('generate run/iter_2.pth --label 3', 'label', 'left out .*got 3'),
    ('generate run/iter_2.pth --device gpu', "'gpu'", "take 'cpu'"),
    ('generate run/iter_2.pth --grid --num 5000', '5000', 'at most 1024'),
    ('generate run/iter_2.pth --config nowhere.py', r'nowhere\.py', 'does not exist'),
    ('generate run/iter_2.pth --config base.py', r'iter_2\.pth .*base\.py', 'do not fit'),
    ('test nowhere.pth', r'nowhere\.pth', 'does not exist'),
    ('test run/iter_2.pth', 'test_evaluator', 'name the metrics'),
    ('test run/iter_2.pth --pixels --num 0', 'num_fake', 'positive integer'),
    ('test run/iter_2.pth --pixels --batch-size 0', 'batch_size', 'positive integer'),
    ('test run/iter_2.pth --pixels --device gpu', "'gpu'", "take 'cpu'"),
    ('test run/iter_2.pth --pixels --out run', 'out', 'must be a file'),
    ('test run/iter_2.pth --pixels --out file/x.json', r'file/x\.json', 'name another place'),
    ('test run/iter_2.pth --pixels --data empty', '--data empty', 'leave --data out'),
    ('check_data nowhere', "'nowhere'", 'name another folder or zip'),
    ('check_data empty', "'empty'", r'end in \.jpg'),
    ('check_data file', "'file'", 'folder|zip'),
    ('check_data images --size 0', 'size', 'positive integer, got 0'),
    ('check_data images --config nowhere.py', r'nowhere\.py', 'does not exist'),
    ('check_data images --config base.py --size 32', r'size=32 .*base\.py', 'leave one out'),
    ('check_data images --json file/x.json', r'file/x\.json', 'name another place'),
    ('report nowhere', 'nowhere', 'must be the folder of a training'),
    ('report empty', 'empty', r'it has no samples/iter_\*\.png'),
    ('report file', 'file', 'must be the folder'),
    ('report empty --out file/x.html', r'file/x\.html', 'name another place'),
    ('compare_results card10.json', 'got 1', 'two cards or more'),
    ('compare_results card10.json nowhere.json', r'nowhere\.json', 'there is no metric card'),
    ('compare_results card10.json bad.json', r'bad\.json', 'no metric card'),
    ('compare_results card10.json list.json', r'list\.json', 'no metric card'),
    ('compare_results card10.json new.json', r'new\.json', 'version 9, this is 1'),
    ('compare_results card10.json card20.json', 'num_fake differs', r'10 \(card10.json\), 20'),
    ('compare_results --write nowhere.md', r'nowhere\.md', 'there is no page'),
    ('compare_results --write file', 'file', 'has no line'),
    ('ablate --work-dir w', 'variants', 'one or more'),
    ('ablate --work-dir w base.py --export empty', '--export', 'must be a file'),
    ('ablate --work-dir w nowhere.py', r'nowhere\.py', 'does not exist'),
    ('ablate --work-dir file base.py', 'file', 'work_dir must be a folder'),
    ('ablate --work-dir w base.py --seeds 1 1', r'\[1, 1\]', 'different numbers'),
    ('ablate --work-dir w base.py --seeds -1', 'seeds', '0 or more'),
    ('ablate --work-dir w base.py --baseline x', "'x'", 'one of base'),
    ('ablate --work-dir w base.py --variants nowhere.yaml', r'nowhere\.yaml', 'there is no file'),
    ('ablate --work-dir w base.py --variants broken.yaml', r'broken\.yaml', 'YAML nor JSON'),
    ('ablate --work-dir w base.py --variants dict.yaml', r'dict\.yaml', 'a list of variants'),
    ('ablate --work-dir w base.py --variants typo.yaml', r'typo\.yaml.*cnfig', 'a config and a'),
    ('ablate --work-dir w base.py --variants slash.yaml', "'a/b'", 'letters, digits'),
    ('ablate --work-dir w base.py --variants none.yaml', "'a'", 'key=value'),
    ('ablate --work-dir w base.py --variant x', "'x'", "'name: key=value"),
    (
        "ablate --work-dir w base.py --variant 'x: model.accelerat=compile' --plan",
        r'variant x: .*model\.accelerat\b',
        r'did you mean model\.accelerate',
    ),
    ('list_combinations --out empty', 'empty', 'must be a file'),
    ('list_combinations --out file/x', 'file/x', 'name another place'),
    ('list_components --out empty', 'empty', 'must be a file'),
]


@pytest.mark.parametrize(('line', 'culprit', 'remedy'), LINES, ids=[row[0] for row in LINES])
def test_refused(files, monkeypatch, line, culprit, remedy):
    name, *arguments = shlex.split(line)
    check(complaint(load_tool(name).main, arguments), culprit, remedy)


# Refused by argparse: usage, then one line.
PARSED = [
    ('train', '--launcher ray base.py', "invalid choice: 'ray'.*slurm"),
    ('train', 'base.py --seed one', "argument --seed: invalid int value: 'one'"),
    ('train', 'base.py --amq', 'unrecognized arguments: --amq'),
    ('generate', '', 'required: CHECKPOINT'),
    ('generate', 'a.pth --num many', "argument --num: invalid int value: 'many'"),
    ('generate', 'a.pth --seed 1,2', "argument --seed: invalid int value: '1,2'"),
    ('test', 'a.pth --truncation half', "argument --truncation: invalid float value: 'half'"),
    ('check_data', 'images --size big', "argument --size: invalid int value: 'big'"),
    ('report', '', 'required: WORK_DIR'),
    ('ablate', 'a.py', 'required: --work-dir'),
    ('ablate', '--work-dir w a.py --cards all', "invalid choice: 'all'.*last.*best"),
    ('compare_results', '', 'required: CARD'),
]


@pytest.mark.parametrize(('name', 'arguments', 'said'), PARSED)
def test_refused_by_argparse(name, arguments, said, capsys):
    import re

    with pytest.raises(SystemExit) as left:
        load_tool(name).main(shlex.split(arguments))
    assert left.value.code == 2
    assert re.search(said, capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize(
    ('name', 'said'),
    [('nowhere', 'no such file'), ('file', 'not a PyTorch checkpoint'), ('gd.pth', r'gd\.pth: ')],
)
def test_converter(files, name, said):
    with pytest.raises(SystemExit, match=said) as left:
        load_tool('model_converters/fastgan_to_mmfncontra').main([name, 'out.pth'])
    assert '\n' not in str(left.value) and name in str(left.value)
