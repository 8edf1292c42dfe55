# As stylegan2-ada.py --size 256.
_base_ = './stylegan2-ada.py'
