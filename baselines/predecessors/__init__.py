"""What came before, on the same common ground: zero-shot CLIP, a linear probe, CoOp and a MIL-FCN."""
