"""``python -m mmfncontra``: the command, where it is not on the path."""

from mmfncontra.commands.main import run

if __name__ == '__main__':
    run()
