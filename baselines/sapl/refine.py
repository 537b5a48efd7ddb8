"""Segment Anything as a last step: a coarse region prompts it, and what it agrees with takes its contour.

CABL and CGSR (arXiv 2503.20294), the first author's earlier work, prompts SAM with the peaks of its maps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from baselines.common.encoders import named
from baselines.sapl.processing import Floats, Refine

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_Bits = NDArray[np.bool_]


class Sam(nn.Module):
    """A frozen SAM.

    Args:
        name: A Hub name or a folder.

    Raises:
        InputError: If its weights cannot be loaded.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        from transformers import SamModel

        self.model: Any = named(lambda: SamModel.from_pretrained(name), name)
        self.model.requires_grad_(False)
        self.reloaded = True
        self.side = int(self.model.config.vision_config.image_size)

    @torch.no_grad()
    def refinement(self, images: Tensor, agreement: float) -> Refine:
        """What makes regions of these images better: each takes SAM's mask where their IoU is above `agreement`.

        Args:
            images: Shape (B, 3, H, W), square, RGB in [0, 1].
            agreement: In [0, 1].
        """
        mean, std = (images.new_tensor(one)[:, None, None] for one in (_MEAN, _STD))
        square = functional.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        embeddings = self.model.get_image_embeddings((square - mean) / std)

        def refine(index: int, p: Floats, called: _Bits) -> _Bits:
            named_regions, count = ndimage.label(called)
            out = called.copy()
            for number in range(1, count + 1):
                region = named_regions == number
                seen = self._segmented(embeddings[index : index + 1], p, region)
                if iou(seen, region) > agreement:
                    out = (out & ~region) | seen
            return out

        return refine

    def _segmented(self, embedding: Tensor, p: Floats, region: _Bits) -> _Bits:
        """SAM's mask for a region's peak and box, shape (H, W)."""
        scale = np.array([self.side / region.shape[1], self.side / region.shape[0]])
        rows, columns = np.nonzero(region)
        best = p[region].argmax()
        peak = np.array([columns[best], rows[best]]) * scale
        box = np.concatenate([[columns.min(), rows.min()] * scale, [columns.max() + 1, rows.max() + 1] * scale])
        point, corners = (torch.tensor(one, dtype=torch.float32, device=embedding.device) for one in (peak, box))
        found = self.model(
            image_embeddings=embedding, input_points=point[None, None, None], input_boxes=corners[None, None],
            multimask_output=False,
        ).pred_masks[0, 0]  # fmt: skip
        full = functional.interpolate(found[None], region.shape, mode="bilinear", align_corners=False)[0, 0]
        return np.asarray((full > 0).cpu().numpy(), np.bool_)


def iou(a: _Bits, b: _Bits) -> float:
    """Intersection over union of two masks; 0 where both are empty.

    >>> iou(np.array([True, True, False]), np.array([False, True, True]))
    0.3333333333333333
    """
    return float((a & b).sum() / max(1, (a | b).sum()))
