import pytest
import torch
from bad_input import Trained, check, complaint

# What stands in the config file, the words for the culprit, the words for what would be right.
VALUES = [
    # Sections.
    ('model = None', r'^model must', 'a dict'),
    ('train_cfg = None', r'^train_cfg must', 'a dict'),
    ("train_cfg = 'long'", r'^train_cfg must', 'a dict'),
    ('optim_wrapper = None', r'^optim_wrapper must', 'a dict'),
    ('train_dataloader = None', r'^train_dataloader must', 'a dict'),
    ('randomness = None', r'^randomness must', 'a dict'),
    ('env_cfg = None', r'^env_cfg must', 'a dict'),
    ('default_hooks = []', r'^default_hooks must', 'hooks by name'),
    ("custom_hooks = ['EMAHook']", r'^custom_hooks must', r'list of dict\(type='),
    ("custom_imports = 'toy'", r'^custom_imports must', r'dict\(imports='),
    ('custom_imports = dict(imports=3)', r'^custom_imports\.imports must', 'names of modules'),
    ('default_scope = None', r'^default_scope must', "'mmfncontra'"),
    ("log_level = 'LOUD'", r'^log_level must', 'INFO'),
    ('work_dir = 3', r'^work_dir must', 'folder'),
    ('load_from = 3', r'^load_from must', r'\.pth file or None'),
    ("load_from = ''", r'^load_from must', r'\.pth file or None'),
    ('resume = 3', r'^resume must', r'True, False or a \.pth'),
    # The data loader.
    ('train_dataloader = dict(batchsize=8)', r'train_dataloader\.batchsize', 'batch_size'),
    ('train_dataloader = dict(batch_size=0)', r'dataloader\.batch_size must', 'positive integer'),
    ("train_dataloader = dict(batch_size='8')", r"batch_size .*got '8'", 'positive integer'),
    ('train_dataloader = dict(batch_size=True)', r'batch_size .*got True', 'positive integer'),
    ('train_dataloader = dict(batch_size=2.5)', r'batch_size .*got 2\.5', 'positive integer'),
    ('train_dataloader = dict(num_workers=-1)', r'dataloader\.num_workers', '0 or more, got -1'),
    (
        'train_dataloader = dict(persistent_workers=True)',
        r'dataloader\.persistent_workers',
        'num_workers of 1 or more',
    ),
    ('train_dataloader = dict(prefetch_factor=2)', 'prefetch_factor', 'num_workers of 1 or more'),
    ("train_dataloader = dict(sampler='random')", r'dataloader\.sampler|sampler=', 'dict'),
    (
        "train_dataloader = dict(collate_fn=dict(type='default_colate'))",
        r'collate_fn\.type: .*default_colate',
        'did you mean default_collate',
    ),
    ('train_dataloader = dict(dataset=None)', r'train_dataloader\.dataset must', 'a dict'),
    (
        'train_dataloader = dict(_delete_=True, batch_size=2)',
        r'train_dataloader\.dataset is missing',
        'FewShotDataset',
    ),
    ('val_dataloader = dict(batch_size=0)', r'^val_dataloader\.batch_size', 'positive integer'),
    ('val_dataloader = None', '^val_dataloader must be set', 'or each to None'),
    ("val_evaluator = dict(metric=['fid'])", r'val_evaluator\.metric:', 'did you mean metrics'),
    # The data set, as far as the config tells.
    ('train_dataloader = dict(dataset=dict(data_root=3))', r'dataset\.data_root', 'folder or zip'),
    ("train_dataloader = dict(dataset=dict(size='64'))", r"size .*got '64'", 'positive integer'),
    ('train_dataloader = dict(dataset=dict(size=32))', r'dataset\.size=32', r'out_size=64.*same'),
    ('train_dataloader = dict(dataset=dict(pipeline=[]))', r'dataset\.pipeline', 'PackImages'),
    (
        "train_dataloader = dict(dataset=dict(pipeline=['Flip']))",
        r'dataset\.pipeline',
        r'list of dict\(type=',
    ),
    ('train_dataloader = dict(dataset=dict(num_classes=2))', r'num_classes=2', 'must be the same'),
    # The loop.
    ('train_cfg = dict(max_iters=0)', r'^train_cfg\.max_iters .*got 0', '1 or more'),
    ('train_cfg = dict(max_iters=-1)', r'^train_cfg\.max_iters .*got -1', '1 or more'),
    ("train_cfg = dict(max_iters='many')", r"train_cfg\.max_iters .*'many'", '1 or more'),
    ('train_cfg = dict(val_interval=0)', r'^train_cfg\.val_interval', '1 or more'),
    ('train_cfg = dict(dynamic_intervals=5)', r'train_cfg\.dynamic_intervals', 'such as'),
    ("train_cfg = dict(device_images='maybe')", r'train_cfg\.device_images', "'auto', True or"),
    ('train_cfg = dict(by_epoch=True)', r'train_cfg\.by_epoch', 'must be left out'),
    # Optimisers.
    ("adam=0; optim_wrapper = dict(generator=dict(optimizer=dict(lr='0.1')))", r'r\.lr', 'number'),
    ('optim_wrapper = dict(generator=dict(optimizer=dict(lr=-1)))', r'optimizer\.lr', '0 or more'),
    ('optim_wrapper = dict(generator=dict(optimizer=dict(lr=None)))', r'lr .*None', 'number'),
    (
        'optim_wrapper = dict(generator=dict(optimizer=dict(betas=(0.5, 1.5))))',
        r'^optim_wrapper\.generator\.optimizer\.betas',
        r'below 1, such as \(0\.5, 0\.999\)',
    ),
    ('optim_wrapper = dict(generator=dict(optimizer=None))', r'generator\.optimizer', 'Adam'),
    ('optim_wrapper = dict(generator=dict(clip_grad=5))', r'generator\.clip_grad', 'max_norm'),
    (
        'optim_wrapper = dict(generator=dict(clip_grad=dict(maxnorm=5)))',
        r'clip_grad\.maxnorm',
        'did you mean max_norm',
    ),
    (
        'optim_wrapper = dict(generator=dict(accumulative_counts=0))',
        'accumulative_counts',
        'positive',
    ),
    (
        "optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam'))",
        r'^optim_wrapper\.generator is missing',
        'MultiOptimWrapperConstructor',
    ),
    ('param_scheduler = [dict(end=2)]', r'^param_scheduler\.0', r"dict\(type='LinearLR'"),
    ("param_scheduler = 'cosine'", r"^param_scheduler .*'cosine'", r'list of dict\(type='),
    # Hooks.
    ('default_hooks = dict(checkpoint=dict(interval=0))', r'checkpoint\.interval', 'positive'),
    ('default_hooks = dict(checkpoint=dict(interval=-5))', r'checkpoint\.interval', '-1 for none'),
    (
        "default_hooks = dict(checkpoint=dict(max_keep_ckpts='all'))",
        r'checkpoint\.max_keep_ckpts',
        '-1 for all',
    ),
    ('default_hooks = dict(checkpoint=dict(save_best=3))', r'checkpoint\.save_best', "or None|'au"),
    (
        "default_hooks = dict(checkpoint=dict(save_best='swd', rule='lower'))",
        r'checkpoint\.rule',
        "'greater', 'less'",
    ),
    ('default_hooks = dict(mine=dict(interval=3))', r'default_hooks\.mine', r'dict\(type='),
    ('custom_hooks = [dict(interval=3)]', r'^custom_hooks\.0', r'dict\(type='),
    (
        "custom_hooks = [dict(type='CurvesHook', priority='SOON')]",
        r'^custom_hooks\.0\.priority',
        'NORMAL',
    ),
    # The machine.
    ('randomness = dict(seed=-1)', r'^randomness\.seed', 'from 0 to 4294967295'),
    ('randomness = dict(seed=2**40)', r'^randomness\.seed', 'from 0 to 4294967295'),
    ("randomness = dict(seed='zero')", r'^randomness\.seed', 'an integer'),
    ('randomness = dict(sed=1)', r'^randomness\.sed:', 'did you mean seed'),
    ("env_cfg = dict(tf32='maybe')", r'^env_cfg\.tf32', 'True or False'),
    ('env_cfg = dict(num_threads=0)', r'^env_cfg\.num_threads', 'positive integer'),
    ('env_cfg = dict(num_thread=2)', r"^env_cfg .*'num_thread'", 'did you mean num_threads'),
    (
        "env_cfg = dict(mp_cfg=dict(mp_start_method='frok'))",
        r'^env_cfg\.mp_cfg\.mp_start_method',
        "'fork', 'spawn'",
    ),
    # Networks.
    ("model = dict(generator='FastGAN')", r'^model\.generator|generator=', 'a dict'),
    ('model = dict(generator=dict(out_size=128))', r'generator\.out_size=128', 'must be the same'),
]


@pytest.mark.parametrize(('text', 'culprit', 'remedy'), VALUES, ids=[row[0] for row in VALUES])
def test_values(start, monkeypatch, text, culprit, remedy):
    # Nothing of the model is built to find these.
    monkeypatch.setattr('mmfncontra.config.prepare.import_custom_modules', _never)
    check(complaint(start, text), culprit, remedy)


def _never(cfg):
    raise AssertionError('the config was taken')


# Found by the component that is built.
COMPONENTS = [
    ("model = dict(type='LimitedDataGANN')", r'^model\.type: ', 'did you mean LimitedDataGAN'),
    ("model = dict(type='mmgen.StyleGAN2')", r'^model\.type: ', 'mean mmagic.StyleGAN2'),
    ('model = dict(type=None)', '^model: type is missing', r'dict\(type='),
    ("default_scope = 'mmfnc'", 'LimitedDataGAN', r'mean mmfncontra\.LimitedDataGAN'),
    ("model = dict(acelerate='compile')", r"^model: .*'acelerate'", "did you mean 'accelerate'"),
    ("model = dict(accelerate='fast')", r'^model\.accelerate', 'cuda_graphs'),
    (
        'model = dict(generator=dict(base_chanels=8))',
        r'^model\.generator: ',
        "mean 'base_channels'",
    ),
    ('model = dict(generator=dict(base_channels=0))', r'generator\.base_channels', 'positive'),
    (
        "model = dict(discriminator=dict(_delete_=True, type='DCGANDiscriminator'))",
        r'^model\.discriminator\.type: ',
        r'did you mean mmagic\.DCGANDiscriminator',
    ),
    (
        'model = dict(contrast=dict(negatives=dict(lvels=3)))',
        r"^model\.contrast\.negatives: FrequencyNegatives has no argument 'lvels'",
        "did you mean 'levels'",
    ),
    (
        'model = dict(contrast=dict(negatives=dict(levels=0)))',
        r'^model\.contrast\.negatives\.levels must',
        'a positive integer, got 0',
    ),
    (
        "model = dict(contrast=dict(negatives=dict(wavelet='harr')))",
        r'^model\.contrast\.negatives\.wavelet',
        "did you mean 'haar'",
    ),
    (
        "model = dict(contrast=dict(dwcl=dict(temperature='hot')))",
        r'^model\.contrast\.dwcl\.temperature',
        'a number',
    ),
    ("model = dict(contrast='FNContra')", r'^model\.contrast must', r'dict\(type='),
    ("model = dict(augment=dict(policy='colour'))", r'^model\.augment\.policy', "'color'"),
    ("model = dict(augment=dict(type='ADA'))", r"^model\.augment: ADA .*'policy'", 'ada_kimg'),
    ('model = dict(ema_config=dict(momentm=0.1))', r'^model\.ema_config: ', "mean 'momentum'"),
    ("model = dict(regularisers=dict(x=dict(type='R1Penalty')))", 'regularisers.x', 'NICE'),
    ("default_hooks = dict(logger=dict(interval='often'))", r'logger\.interval', 'an integer'),
    ('default_hooks = dict(logger=dict(interval=0))', r'^default_hooks\.logger', 'greater than 0'),
    ("custom_hooks = [dict(type='CurveHook')]", r'^custom_hooks\.0\.type', 'mean CurvesHook'),
    ('log_processor = dict(window=3)', r"^log_processor: .*'window'", "mean 'window_size'"),
    ("train_cfg = dict(type='TrainLop')", r'^train_cfg\.type', 'did you mean|custom_imports'),
    ('train_cfg = dict(max_itres=5)', r"^train_cfg: .*'max_itres'", "mean 'max_iters'"),
    ('train_dataloader = dict(sampler=dict(shufle=True))', r'dataloader\.sampler', "'shuffle'"),
    ("train_dataloader = dict(dataset=dict(fit='pad'))", r'dataset\.fit', "'crop', 'stretch'"),
    ("train_dataloader = dict(dataset=dict(cache_mb='1G'))", r'dataset\.cache_mb', 'a number'),
    (
        "train_dataloader = dict(dataset=dict(pipeline=[dict(type='PackImage')]))",
        r'pipeline\.0\.type',
        'did you mean PackImages',
    ),
    (
        "optim_wrapper = dict(generator=dict(optimizer=dict(type='Adem')))",
        r'optimizer\.type',
        'did you mean Adam',
    ),
    (
        "optim_wrapper = dict(generator=dict(type='OptimWraper'))",
        r'generator\.type',
        'OptimWrapper',
    ),
    (
        'optim_wrapper = dict(generator=dict(acumulative_counts=2))',
        r"^optim_wrapper\.generator: .*'acumulative_counts'",
        "did you mean 'accumulative_counts'",
    ),
    (
        "optim_wrapper = dict(generater=dict(optimizer=dict(type='Adam')))",
        "'generater'",
        'its networks are generator',
    ),
    (
        "param_scheduler = [dict(type='LinearLR', start_factor=2.0)]",
        r'^param_scheduler\.0: .*start_factor=2\.0',
        'between 0 and 1',
    ),
    (
        "val_evaluator = dict(metrics=[dict(type='ImageMetrics', num_fakes=5)])",
        r"^val_evaluator\.metrics\.0: .*'num_fakes'",
        "did you mean 'num_fake'",
    ),
    (
        "val_evaluator = dict(metrics=[dict(type='ImageMetrics', values=['fid'])])",
        r'^val_evaluator\.metrics\.0\.values',
        "'swd'",
    ),
]


@pytest.mark.parametrize(
    ('text', 'culprit', 'remedy'), COMPONENTS, ids=[row[0] for row in COMPONENTS]
)
def test_components(start, text, culprit, remedy):
    check(complaint(start, text), culprit, remedy)


# Arguments of a projected discriminator.
PROJECTED = [
    ('feature_size=100', r'^model\.discriminator\.feature_size must', 'multiple of 32'),
    ('csm_kernel=2', r'^model\.discriminator\.csm_kernel must', '1 or 3'),
    ('base_channels=4', "no argument 'base_channels'", "did you mean 'mix_channels'"),
    ("backbone='lite0'", r'^model\.discriminator\.backbone must', r"dict\(type='…'\), got 'lite0'"),
    ("backbone=dict(type='TimmBackbon')", r'backbone\.type: .*TimmBackbon', 'mean TimmBackbone'),
    (
        "backbone=dict(type='TimmBackbone', name='lite0')",
        r'^model\.discriminator\.backbone\.name must',
        "such as 'tf_efficientnet_lite0'",
    ),
    (
        "backbone=dict(type='TimmBackbone', name='resnet18')",
        r'discriminator\.backbone: .*resnet18',
        'weights=FILE',
    ),
    ("backbone=dict(type='TimmBackbone', weights='w.pth')", r'w\.pth', 'does not exist'),
]


@pytest.mark.parametrize(
    ('text', 'culprit', 'remedy'), PROJECTED, ids=[row[0] for row in PROJECTED]
)
def test_a_projected_discriminator(start, text, culprit, remedy):
    pytest.importorskip('timm', reason='the extra pretrained is not installed')
    network = f"dict(_delete_=True, type='ProjectedDiscriminator', in_size=64, {text})"
    check(complaint(start, f'model = dict(discriminator={network})'), culprit, remedy)


def test_what_is_good_is_taken(start, place):
    """The same config, with weights that fit and a broken image that may be left out."""
    from mmfncontra.models.archs import FastGANGenerator

    state = FastGANGenerator(out_size=64, base_channels=2, noise_size=4).state_dict()
    state = {f'generator.{name}': value for name, value in state.items()}
    torch.save(dict(state_dict=state), place / 'w.pth')
    (place / 'images' / 'broken.png').write_bytes(b'no image')
    skip = "train_dataloader = dict(dataset=dict(on_bad_image='skip'))"
    with pytest.raises(Trained):
        start(
            skip,
            options=[
                'load_from=w.pth',
                'val_evaluator=None',
                'val_cfg=None',
                'val_dataloader=None',
                'default_hooks.samples=None',
            ],
        )


# Name of the file, its contents (None: a folder), culprit, remedy.
FILES = [
    ('syntax.py', 'a = 1\nmodel = dict(\n', r'syntax\.py .*line 2', 'never closed'),
    ('name.py', 'a = 1\nb = a + c\n', r'name\.py .*line 2', "'c' is not defined"),
    ('deep.py', "_base_ = 'syntax.py'\n", r'a base .*syntax\.py .*line 2', 'never closed'),
    ('no_base.py', "_base_ = 'nowhere.py'\n", r'no_base\.py .*nowhere\.py', 'missing'),
    ('circle.py', "_base_ = 'circle.py'\n", r'circle\.py', '_base_ must name other files'),
    ('binary.py', b'\xff\xfe\x00PK', r'binary\.py is in UTF-16, or no text', 'as plain UTF-8'),
    ('utf16.py', 'a = 1\n'.encode('utf-16-le'), r'utf16\.py is in UTF-16', 'as plain UTF-8'),
    ('bom.py', b'\xef\xbb\xbfa = 1\n', r'bom\.py .*byte order mark', 'without BOM'),
    ('latin.py', b'a = 1\n# caf\xe9\n', r'latin\.py .*0xe9 as in line 2', 'as plain UTF-8'),
    ('over.py', b"_base_ = 'latin.py'\n", r'config latin\.py .*line 2', 'as plain UTF-8'),
    ('import.py', "import os\n_base_ = 'base.py'\n", r'import\.py, line 2', 'put _base_ first'),
    ('named.py', "B = 'base.py'\n_base_ = B\n", r'named\.py, line 2', 'write the paths out'),
    ('typed.py', "_base_: str = 'base.py'\n", r'typed\.py, line 1', "write _base_ = '…'"),
    ('inner.py', "if True:\n    _base_ = 'base.py'\n", r'inner\.py, line 2', "write _base_ = '…'"),
    (
        'lazy.py',
        'import os\na = os.getcwd()\n',
        r'lazy\.py cannot be read',
        "name a base, _base_ = '…'",
    ),
    ('twice.py', "_base_ = ['base.py', 'base.py']\n", r'twice\.py', 'Duplicate key'),
    ('kinds.py', "_base_ = 'base.py'\ntrain_cfg = 3\n", 'train_cfg', 'a dict'),
    ('empty.py', '', r'empty\.py', 'has no model'),
    ('a.json', '{"model": 1}', r'a\.json', r'must be a \.py file'),
    ('folder.py', None, r'folder\.py', r'name a \.py file'),
]


@pytest.mark.parametrize(('name', 'content', 'culprit', 'remedy'), FILES, ids=[f[0] for f in FILES])
def test_files(place, name, content, culprit, remedy):
    from mmfncontra.apis import prepare_config

    (place / 'syntax.py').write_text('a = 1\nmodel = dict(\n')
    (place / 'latin.py').write_bytes(b'a = 1\n# caf\xe9\n')
    if content is None:
        (place / name).mkdir()
    else:
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    check(complaint(prepare_config, name), culprit, remedy)


OPTIONS = [
    ('train_cfg.max_iters', 'train_cfg.max_iters', 'key=value'),
    ('=3', "'=3'", 'key=value'),
    ('train_cfg.max_iter=3', r'train_cfg\.max_iter:', r'did you mean train_cfg\.max_iters'),
    ('train_cfg.max_iters=', r'train_cfg\.max_iters', "'' cannot replace 2|1 or more"),
    ('train_cfg.max_iters=many', r'train_cfg\.max_iters', "'many' cannot replace 2"),
    ('trian_cfg.max_iters=3', 'trian_cfg', 'did you mean train_cfg'),
    ('adam.lr=1', 'nothing reads adam', 'where it is used'),
    ('model.generator.ot_size=64', r'model\.generator\.ot_size', 'did you mean .*out_size'),
    ('train_dataloader.batch_size=[2', r"batch_size: '\[2'", 'write a number'),
    ('custom_hooks.0.interval=1', r'custom_hooks\.0', 'a list of 0'),
    ('train_cfg.max_iters.x=1', r'max_iters\.x', 'it has no keys'),
    ('resume=yes', 'yes', 'does not exist'),
]


@pytest.mark.parametrize(('option', 'culprit', 'remedy'), OPTIONS, ids=[row[0] for row in OPTIONS])
def test_options(start, option, culprit, remedy):
    check(complaint(start, options=[option]), culprit, remedy)
