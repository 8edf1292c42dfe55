import pytest
from mmengine.config import Config
from toy_config import FOLDER, WRAPPED, write_toy_config

from mmfncontra.apis import prepare_config
from mmfncontra.config.check import check_batch_size


@pytest.mark.parametrize('replaced', [FOLDER, WRAPPED], ids=['plain', 'wrapped'])
def test_images_of_another_size(tmp_path, replaced):
    sized = {
        old: new.replace('data_root=None', "data_root='.', size=8") for old, new in replaced.items()
    }
    path = write_toy_config(
        tmp_path,
        **sized,
        **{"dict(type='ToyDiscriminator')": "dict(type='ToyDiscriminator', in_size=16)"},
    )
    with pytest.raises(
        ValueError, match=r'dataset\.size=8 and model\.discriminator\.in_size=16 must be the same'
    ):
        prepare_config(path)
    cfg = prepare_config(path, cfg_options={'model.discriminator.in_size': 8})
    assert cfg.model.discriminator.in_size == 8
    with pytest.raises(ValueError, match=r'in_size=8 and model\.generator\.out_size=4'):
        prepare_config(
            write_toy_config(
                tmp_path,
                **{
                    "dict(type='ToyDiscriminator')": "dict(type='ToyDiscriminator', in_size=8)",
                    'width=4': 'out_size=4',
                },
            )
        )


def test_classes_of_another_number(tmp_path):
    path = write_toy_config(tmp_path, **FOLDER, **{'width=4': 'width=4, num_classes=3'})
    with pytest.raises(ValueError, match=r'num_classes=0 and model\.generator\.num_classes=3 must'):
        prepare_config(path, data=tmp_path)


@pytest.mark.parametrize(('batch', 'group', 'fits'), [(6, None, False), (6, 3, True), (3, 4, True)])
def test_batches_of_stylegan2(batch, group, fits):
    mbstd = {} if group is None else dict(mbstd_cfg=dict(group_size=group))
    discriminator = dict(type='mmagic.StyleGAN2Discriminator', **mbstd)
    cfg = Config(
        dict(model=dict(discriminator=discriminator), train_dataloader=dict(batch_size=batch))
    )
    if fits:
        check_batch_size(cfg)
        return
    with pytest.raises(ValueError, match=r'batch_size must be a multiple of 4 .*got 6'):
        check_batch_size(cfg)
