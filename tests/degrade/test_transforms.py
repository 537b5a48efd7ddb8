"""The transforms against what the standards and formulas say."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import numpy as np
import parents
import pytest
from counts import count
from PIL import Image

from forgebench.degrade import transforms
from forgebench.demo import PHOTOS

# Tables K.1 and K.2 of the JPEG standard (ITU-T T.81), row by row.
LUMA = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]  # fmt: skip
CHROMA = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32,
]  # fmt: skip


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    with Image.open(sorted(PHOTOS.glob("*.jpg"))[2]) as image:
        return np.asarray(image.convert("RGB").crop((100, 60, 421, 300)))


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """The marker segments of a JPEG file up to its first scan, by hand."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4])
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def tables(data: bytes) -> list[list[int]]:
    """The quantization tables in zigzag order, by hand."""
    found = {}
    for marker, body in segments(data):
        while marker == 0xDB and body:
            assert body[0] >> 4 == 0
            found[body[0] & 15] = list(body[1:65])
            body = body[65:]
    return [found[key] for key in sorted(found)]


def zigzag(table: list[int]) -> list[int]:
    order = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))
    return [table[i] for i in order]


def scaled(table: list[int], quality: int) -> list[int]:
    """As libjpeg scales the standard's tables."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(255, max(1, (value * scale + 50) // 100)) for value in table]


@pytest.mark.parametrize("quality", [50, 60, 70, 75, 85, 87, 90, 95, 100])
def test_jpeg_has_the_tables_of_its_quality(photo, quality):
    data = transforms.encode_jpeg(photo, quality)
    assert tables(data) == [zigzag(scaled(LUMA, quality)), zigzag(scaled(CHROMA, quality))]


@pytest.mark.parametrize(("subsampling", "factors"), [("4:4:4", 0x11), ("4:2:2", 0x21), ("4:2:0", 0x22)])
@pytest.mark.parametrize(("progressive", "marker"), [(False, 0xC0), (True, 0xC2)])
def test_jpeg_has_its_subsampling_and_its_kind(photo, subsampling, factors, progressive, marker):
    data = transforms.encode_jpeg(photo, 80, subsampling, progressive=progressive)
    (frame,) = [body for kind, body in segments(data) if kind in (0xC0, 0xC1, 0xC2)]
    assert [kind for kind, _ in segments(data) if kind in (0xC0, 0xC1, 0xC2)] == [marker]
    assert [frame[7 + 3 * i] for i in range(frame[5])] == [factors, 0x11, 0x11]
    assert not [kind for kind, _ in segments(data) if kind == 0xE1], "no EXIF"


def test_grey_jpeg_has_one_component(photo):
    (frame,) = [body for kind, body in segments(transforms.encode_jpeg(photo[..., 1], 80)) if kind == 0xC0]
    assert frame[5] == 1


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_jpeg_is_as_good_as_pillow_makes_it(photo):
    found = []
    for quality in (50, 70, 90, 100):
        buffer = BytesIO()
        Image.fromarray(photo).save(buffer, "JPEG", quality=quality, subsampling=2)
        theirs = psnr(photo, parents.displayed(buffer.getvalue()))
        found.append(psnr(photo, parents.displayed(transforms.encode_jpeg(photo, quality))))
        assert found[-1] == pytest.approx(theirs)
    assert found == sorted(found)
    assert found[0] > 25


def test_webp_is_lossy_and_png_is_not(photo):
    worse, better = (transforms.encode_webp(photo, quality) for quality in (50, 95))
    for data in (worse, better):
        assert data[:4] + data[8:16] == b"RIFFWEBPVP8 "
    assert psnr(photo, parents.displayed(worse)) < psnr(photo, parents.displayed(better)) < 99
    for image in (photo, photo[..., 0]):
        assert np.array_equal(transforms.decode(transforms.encode_png(image)), image)


# --- decoding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", parents.KINDS)
def test_decoding_gives_the_picture_as_displayed(kind):
    pixels = parents.scene(parents.region(kind), 3)
    found = transforms.decode(parents.file_of(kind, pixels)[0])
    assert found.dtype == np.uint8
    if kind.startswith("grey"):
        assert np.array_equal(found, pixels[..., 0])
    elif kind in ("colour", "alpha"):
        assert np.array_equal(found, pixels)
    else:
        assert found.shape == pixels.shape
        assert np.abs(found.astype(int) - pixels).mean() < 6


def test_decoding_every_value_of_16_bits():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    found = transforms.decode(parents.saved(Image.fromarray(values), "PNG"))
    assert np.array_equal(found, np.round(values / 257))


@pytest.mark.parametrize(("mode", "kind"), [("1", "PNG"), ("LA", "PNG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF")])
def test_decoding_other_modes(mode, kind):
    picture = Image.fromarray(parents.scene(parents.region("colour"), 3)).convert(mode)
    found = transforms.decode(parents.saved(picture, kind))
    expected = np.asarray(picture.convert("L" if mode in ("1", "LA") else "RGB"))
    assert np.array_equal(found, expected)


def test_values_without_a_known_range_are_refused():
    with pytest.raises(ValueError, match="mode F"):
        transforms.decode(parents.saved(Image.fromarray(np.ones((20, 20), np.float32)), "TIFF"))
    with pytest.raises(ValueError, match="mode I"):
        transforms.decode(parents.saved(Image.fromarray(np.full((20, 20), 70000, np.int32)), "TIFF"))


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_resizing_leaves_a_ramp_where_it_is():
    """Pixel centres map to pixel centres: no shift by half a pixel."""
    ramp = np.tile(np.linspace(20, 220, 201), (90, 1)).round().astype(np.uint8)
    for filter_name in ("lanczos", "bicubic", "bilinear"):
        for width, height in ((402, 180), (100, 45), (67, 30), (151, 77)):
            found = transforms.resize(ramp, width, height, filter_name)
            assert found.shape == (height, width)
            x = (np.arange(width) + 0.5) * 201 / width - 0.5
            inner = slice(6, -6)
            assert np.abs(found[:, inner] - (20 + x[inner])).max() <= 1.01


def area_of(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """The exact tampered share under each pixel of the new size, as fractions."""
    shares = []
    for old, new in ((mask.shape[0], height), (mask.shape[1], width)):
        step = Fraction(old, new)
        shares.append(
            [[max(Fraction(0), min(j * step + step, i + 1) - max(j * step, i)) for i in range(old)] for j in range(new)]
        )
    total = np.array(shares[0], object) @ mask.astype(int).astype(object) @ np.array(shares[1], object).T
    return total / (Fraction(mask.shape[0], height) * Fraction(mask.shape[1], width))


def test_a_resized_mask_is_where_half_the_area_is_tampered():
    rng = np.random.default_rng(5)
    ties = 0
    for _ in range(count(25, 500)):
        height, width = (int(side) for side in rng.integers(4, 24, 2))
        mask = rng.random((height, width)) < rng.uniform(0.2, 0.8)
        new = int(rng.integers(1, 2 * width)), int(rng.integers(1, 2 * height))
        area = area_of(mask, *new)
        ties += int((area == Fraction(1, 2)).sum())
        assert np.array_equal(transforms.resize_mask(mask, *new), area >= Fraction(1, 2)), (mask.shape, new)
    assert ties > 20


def test_a_mask_of_twice_the_size_has_each_pixel_four_times():
    mask = np.random.default_rng(1).random((13, 17)) < 0.5
    assert np.array_equal(transforms.resize_mask(mask, 34, 26), mask.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(transforms.resize_mask(mask, 17, 13), mask)


# --- blur, noise, curves ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.0])
def test_gaussian_blur_is_convolution_with_the_formula(photo, sigma):
    x = np.arange(-20, 21)
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(photo.astype(float), [(20, 20), (20, 20), (0, 0)], mode="edge")
    down = np.apply_along_axis(np.convolve, 0, padded, kernel, "valid")
    expected = np.apply_along_axis(np.convolve, 1, down, kernel, "valid")
    assert np.abs(transforms.gaussian_blur(photo, sigma) - expected).max() <= 1
    grey = transforms.gaussian_blur(photo[..., 2], sigma)
    assert np.array_equal(grey, transforms.gaussian_blur(photo, sigma)[..., 2])


@pytest.mark.parametrize("length", [1, 3, 5, 9, 15])
def test_motion_blur_is_the_mean_along_its_line(photo, length):
    half = length // 2
    for angle, axis in ((0, 1), (90, 0)):
        pad = [(half, half) if i == axis else (0, 0) for i in range(3)]
        padded = np.pad(photo.astype(float), pad, mode="edge")
        parts = [np.take(padded, np.arange(i, i + photo.shape[axis]), axis) for i in range(length)]
        assert np.abs(transforms.motion_blur(photo, length, angle) - np.mean(parts, axis=0)).max() <= 1


def test_a_motion_kernel_is_centred_and_points_its_way():
    rng = np.random.default_rng(2)
    for _ in range(40):
        length, angle = float(rng.uniform(3, 25)), float(rng.uniform(0, 180))
        kernel = transforms.motion_kernel(length, angle)
        reach = kernel.shape[0] // 2
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        assert (kernel * x).sum() == pytest.approx(0, abs=1e-4)
        assert (kernel * y).sum() == pytest.approx(0, abs=1e-4)
        spread = np.array([[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)])
        values, vectors = np.linalg.eigh(spread)
        along = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180
        assert min(abs(along - angle), 180 - abs(along - angle)) < 4
        assert values[0] < 0.35
        assert values[1] == pytest.approx(length**2 / 12, rel=0.35)


def test_gaussian_noise_has_its_spread_and_no_pattern():
    grey = np.full((300, 300, 3), 128, np.uint8)
    for sigma in (1, 3, 10, 15):
        noise = transforms.gaussian_noise(grey, sigma, np.random.default_rng(4)).astype(float) - 128
        assert abs(noise.mean()) < 4 * sigma / np.sqrt(noise.size)
        # Rounding to whole levels adds a twelfth.
        assert noise.var() == pytest.approx(sigma**2 + 1 / 12, rel=0.02)
        flat = noise.reshape(-1, 3)
        assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 0.02
        assert abs(np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("peak", [255, 128, 64, 32])
def test_the_variance_of_photon_noise_is_its_mean(peak):
    for value in (20, 60, 120):
        found = transforms.poisson_noise(np.full((400, 400), value, np.uint8), peak, np.random.default_rng(6))
        assert found.mean() == pytest.approx(value, rel=0.02)
        assert found.var() == pytest.approx(value * 255 / peak, rel=0.05)


def test_noise_is_clipped_and_follows_from_its_generator(photo):
    for noise, much in ((transforms.gaussian_noise, 60), (transforms.poisson_noise, 4)):
        one, same, other = (noise(photo, much, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)
        assert one.dtype == np.uint8
        assert (one.min(), one.max()) == (0, 255)


def test_gamma_is_the_curve():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(transforms.gamma(values, 1), values)
    for exponent in (0.5, 0.75, 1.33, 2):
        expected = [round(255 * (v / 255) ** exponent) for v in range(256)]
        assert transforms.gamma(values, exponent).ravel().tolist() == expected


def test_nothing_is_changed_in_place(photo):
    before = photo.copy()
    photo.flags.writeable = False
    rng = np.random.default_rng(0)
    transforms.gaussian_blur(photo, 1)
    transforms.motion_blur(photo, 5, 30)
    transforms.gaussian_noise(photo, 5, rng)
    transforms.poisson_noise(photo, 64, rng)
    transforms.gamma(photo, 2)
    transforms.resize(photo, 50, 40)
    assert np.array_equal(photo, before)
