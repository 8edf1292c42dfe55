# As stylegan2-ada_shells.py, with NICE on the feature maps of 16², 8² and 4².
_base_ = '../stylegan2-ada/stylegan2-ada_shells.py'
model = dict(regularisers=dict(nice=dict(type='NICE', layers=['convs.6', 'convs.7', 'convs.8'])))
