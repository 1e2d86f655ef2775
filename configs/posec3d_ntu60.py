_base_ = [
    '_base_/models/posec3d.py',
    '_base_/datasets/ntu60_heatmap.py',
    '_base_/schedules/cosine_240e.py',
    '_base_/default_runtime.py',
]
