"""Train one configuration, or search over many with -m: python train.py --help."""

from tunesmith.cli import main

if __name__ == "__main__":
    main()
