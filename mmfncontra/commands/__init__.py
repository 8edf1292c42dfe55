"""What is typed: the subcommands of ``mmfncontra``, which are the programs of ``tools/`` too."""
