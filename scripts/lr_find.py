"""Learning-rate finder, with any override of train.py: python scripts/lr_find.py optimizer=sgd data=wine

Prints the curve and the override to paste; saves the picture in the run's folder.
"""

from tunesmith.cli import load_training, main


def task(cfg):
    import os
    from pathlib import Path

    from hydra.core.hydra_config import HydraConfig

    load_training()
    from tunesmith.training.lr_finder import CSV_FILE, PICTURE_FILE, find_lr

    folder = Path(HydraConfig.get().runtime.output_dir)
    curve = find_lr(cfg, folder)
    print(f"{'lr':>10}  {'loss':>10}")
    for place in range(0, len(curve.lr), max(1, len(curve.lr) // 20)):
        print(f"{curve.lr[place]:>10.2g}  {curve.smoothed[place]:>10.4g}")
    print(f"picture      {os.path.relpath(folder / PICTURE_FILE)}, {CSV_FILE}")
    if curve.suggestion is None:
        print(f"suggestion   none: {curve.reason}")
    else:
        print(f"suggestion   optimizer.lr={curve.suggestion:g}")


if __name__ == "__main__":
    main(task)
