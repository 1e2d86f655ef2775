# Data of your own: everything that is said of them, in one place (docs/custom_dataset.md). More
# keys: layout, a name or dict(num_joints=V, center=J, edges=[(joint, parent), ...]); class_names, a
# list or a text file; in_channels; planar=True for pixels with scores; invalid='skip'.
data = dict(
    ann_file='data/own/own.pkl',
    train_split='train',
    test_split='test',
    num_person=2,
    num_classes=60,
    window=64,
)
