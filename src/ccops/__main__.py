"""`python -m ccops`: the same as `ccops`, where its folder is not on the PATH."""

from ccops.cli.app import main

main()
