"""Other divisions into splits: published ones, one's own, and what leaks."""

from __future__ import annotations

import lookalikes
import pytest
from lookalikes import classic, encoded, photo, put, region

import forgebench
from forgebench.benchmark import verify_benchmark
from forgebench.errors import InputError, NotFoundError, ProblemsError
from forgebench.sources import SOURCES, Entry, source
from forgebench.sources.protocols import divide

PROTOCOLS = [(name, protocol) for name, spec in SOURCES.items() for protocol in spec.card.protocols]


def build(name, root, protocol, **how):
    return forgebench.build(name, root, root.parent / "built", protocol=protocol, workers=1, **how)


def splits_of(built):
    return {split: {row["sample_id"] for row in built.rows(split, ["sample_id"])} for split in built.splits}


@pytest.fixture
def cover(tmp_path):
    """COVERAGE with ids of both splits of PSCC-Net, whole pairs."""
    lookalikes.coverage(tmp_path / "in")
    for number in (4, 6):
        for end, what in (("", "image"), ("t", "image"), ("forged", "mask")):
            data = encoded(region(number) if what == "mask" else photo(number), "TIFF")
            put(tmp_path / "in" / what / f"{number}{end}.tif", data)
    # Listed, with a mask but no image: missing once.
    put(tmp_path / "in" / "mask" / "11forged.tif", encoded(region(11), "TIFF"))
    return tmp_path / "in"


def test_a_published_list_on_the_card(cover):
    built = build("coverage", cover, "pscc")
    splits = splits_of(built)
    assert splits["test"] == {"4", "4t", "6", "6t", "48", "48t", "59", "59t"}
    assert splits["train"] == {f"{n}{t}" for n in (1, 2, 3, 41, 61, 55, 95) for t in ("", "t")}
    manifest = built.manifest
    assert manifest.facts.protocol == "pscc"
    assert manifest.facts.expected == {}
    assert len(manifest.missing) == len(set(manifest.missing)) == 25 - 4
    assert verify_benchmark(built, workers=1) == []


def test_the_protocol_is_part_of_the_content_hash(cover, tmp_path):
    plain = forgebench.build("coverage", cover, tmp_path / "plain", workers=1)
    assert plain.manifest.facts.protocol is None
    assert plain.content_hash != build("coverage", cover, "pscc").content_hash


@pytest.mark.parametrize(("name", "protocol"), PROTOCOLS)
def test_a_protocol_on_a_card_is_whole(name, protocol):
    facts = source(name).card.protocols[protocol]
    assert facts.about.endswith(".")
    assert not (facts.names and facts.file)
    assert bool(facts.get) == bool(facts.names or facts.file)
    if facts.names:
        assert len(set(facts.names)) == facts.count


@pytest.mark.parametrize(("name", "protocol"), [(n, p) for n, p in PROTOCOLS if source(n).card.protocols[p].file])
def test_a_list_that_the_user_has_to_get_is_asked_for(tmp_path, name, protocol):
    lookalikes.MAKERS[name](tmp_path / "in")
    with pytest.raises(NotFoundError) as caught:
        build(name, tmp_path / "in", protocol)
    facts = source(name).card.protocols[protocol]
    assert facts.file in str(caught.value)
    assert facts.get in str(caught.value)
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(("name", "protocol"), [(n, p) for n, p in PROTOCOLS if source(n).card.protocols[p].count])
def test_a_list_of_another_length_is_refused(tmp_path, name, protocol):
    facts = source(name).card.protocols[protocol]
    if facts.names:
        assert len(facts.names) == facts.count
        return
    lookalikes.MAKERS[name](tmp_path / "in")
    put(tmp_path / "in" / facts.file, b"a.jpg\n")
    with pytest.raises(InputError, match=rf"expected {facts.count} different images in {facts.file}, found 1"):
        build(name, tmp_path / "in", protocol)


def with_list(root, name, protocol, listed):
    """The user's list, filled up with images that this copy lacks."""
    facts = source(name).card.protocols[protocol]
    count = facts.count or len(listed)
    names = [*listed, *(f"elsewhere/absent_{i}.tif,mask.png 1" for i in range(count - len(listed)))]
    put(root / "lists" / facts.file, "\n".join(names).encode())


def test_a_list_of_old_names_meets_corrected_ones(tmp_path):
    lookalikes.casia_v2(tmp_path / "in")
    with_list(tmp_path / "in", "casia-v2", "mvss", [
        "./CASIAv2/tampered/Tp_D_NRN_S_N_pla00094_pla00094_01191.tif mask/x.png 1",
        "./CASIAv2/Au/Au_ani_00018.jpg None 0", "",
    ])  # fmt: skip
    built = build("casia-v2", tmp_path / "in", "mvss")
    assert splits_of(built) == {"train": {"Tp_S_NRN_S_N_pla00094_pla00094_01191", "Au_ani_00018"}}
    assert built.manifest.facts.protocol.startswith("mvss (CASIAv2.txt, SHA-256 ")
    (left_out,) = [fix for fix in built.manifest.known_issues if fix.sample_id == "protocol mvss"]
    assert left_out.action == "left out"


def test_a_list_with_blanks_in_its_folders(tmp_path):
    lookalikes.casia_v2(tmp_path / "in")
    name = "Tp_D_CND_M_N_ani00018_sec00096_00138"
    line = f"CASIA 2.0/Tp/{name}.tif,CASIA 2 Groundtruth/{name}_gt.png"
    with_list(tmp_path / "in", "casia-v2", "cat-net", [line])
    # The authentic original follows its forgery.
    assert splits_of(build("casia-v2", tmp_path / "in", "cat-net")) == {"train": {name, "Au_ani_00018"}}


def test_forgeries_of_several_kinds_that_share_a_name(tmp_path):
    classic.defacto(tmp_path / "in")
    for kind in ("splicing_1", "inpainting"):
        put(tmp_path / "in" / f"{kind}_img" / "img" / "7_000000000001.tif", encoded(photo(1), "TIFF"))
        mask = encoded(region(1), "TIFF")
        put(tmp_path / "in" / f"{kind}_annotations" / "probe_mask" / "7_000000000001.tif", mask)
    with_list(tmp_path / "in", "defacto", "mvss", [
        "./DEFACTO/Copy-Move-images/img/7_000000000001.tif ./DEFACTO/Copy-Move-annotations/probe_mask/x.jpg 1",
        "./CoCo2014/test2014/COCO_test2014_000000000001.jpg None 0",
    ])  # fmt: skip
    put(tmp_path / "in" / "test2014" / "COCO_test2014_000000000001.jpg", encoded(photo(2), "JPEG"))
    (tmp_path / "in" / "authentic" / "000000000001.jpg").unlink()
    built = build("defacto", tmp_path / "in", "mvss")
    assert splits_of(built) == {"test": {"copymove-7_000000000001", "coco-000000000001"}}


def test_a_list_of_sample_ids(tmp_path):
    classic.imd2020(tmp_path / "in")
    with_list(tmp_path / "in", "imd2020", "cat-net", ["z14-00031_fake", "z14-00031_fake_01"])
    built = build("imd2020", tmp_path / "in", "cat-net")
    assert splits_of(built)["validation"] == {"z14-00031_fake", "z14-00031_fake_01", "z14-00031_orig"}


def test_names_that_several_folders_share_are_told_apart(tmp_path):
    truths = classic.imd2020(tmp_path / "in")
    put(tmp_path / "in" / "z15" / "00031_fake.jpg", encoded(photo(1), "JPEG"))
    put(tmp_path / "in" / "z15" / "00031_fake_mask.png", encoded(region(1), "PNG"))
    with_list(tmp_path / "in", "imd2020", "cat-net", ["z14/00031_fake.jpg,z14/00031_fake_mask.png"])
    splits = splits_of(build("imd2020", tmp_path / "in", "cat-net"))
    assert splits["validation"] == {"z14-00031_fake"}
    # The other forgery of that original trains: so it was published; the original itself can be in neither.
    assert splits["train"] == {*truths, "z15-00031_fake"} - {"z14-00031_fake", "z14-00031_orig"}


def test_a_name_that_may_mean_two_images_is_refused(tmp_path):
    classic.imd2020(tmp_path / "in")
    put(tmp_path / "in" / "z15" / "00031_fake.jpg", encoded(photo(1), "JPEG"))
    put(tmp_path / "in" / "z15" / "00031_fake_mask.png", encoded(region(1), "PNG"))
    with_list(tmp_path / "in", "imd2020", "cat-net", ["00031_fake.jpg"])
    with pytest.raises(InputError, match=r"lists 00031_fake.jpg, which may be z14/00031_fake.jpg, z15/00031_fake.jpg"):
        build("imd2020", tmp_path / "in", "cat-net")


def test_a_published_division_that_leaks_is_built_and_flagged(tmp_path):
    classic.nist16(tmp_path / "in")
    with_list(tmp_path / "in", "nist16", "scaf", ["NC2016_0001", "probe/NC2016_0003.jpg"])
    built = build("nist16", tmp_path / "in", "scaf")
    assert splits_of(built) == {
        "train": {"NC2016_0001", "NC2016_0003", "NC2016_0006"}, "test": {"NC2016_0002", "NC2016_0004"},
    }  # fmt: skip
    (leak,) = [fix for fix in built.manifest.known_issues if "known leak" in fix.action]
    assert leak.issue == "1 groups of images of one original lie in several splits: NC2016_0001"
    assert "a known leak" in (built.path / "README.md").read_text()


def test_another_reading_of_the_masks(tmp_path):
    truths = classic.realistic_tampering(tmp_path / "in", meaningful=True)
    built = build("realistic-tampering", tmp_path / "in", "meaningful")
    entries = divide(source("realistic-tampering"), tmp_path / "in",
                     [e for e in source("realistic-tampering").walk(tmp_path / "in") if isinstance(e, Entry)],
                     "meaningful").entries  # fmt: skip
    assert {entry.mask.rule for entry in entries if entry.mask} == {"white"}
    for row in built.load("pixel", "test"):
        assert (row["mask"].histogram()[255]) == truths[row["sample_id"]].mask.sum()


def own(tmp_path, *lines):
    put(tmp_path / "own.csv", "\n".join(["sample_id,split", *lines]).encode())
    return tmp_path / "own.csv"


def test_a_division_of_ones_own(tmp_path, cover):
    file = own(tmp_path, "1,train", "1t,train", "2,my_test", "2t,my_test")
    built = build("coverage", cover, file)
    assert splits_of(built) == {"train": {"1", "1t"}, "my_test": {"2", "2t"}}
    assert built.manifest.facts.protocol.startswith("own.csv (SHA-256 ")
    card = (built.path / "README.md").read_text()
    assert "`protocol own.csv`: 18 samples are in none of its splits; left out" in card
    assert built.load("image", "my_test").num_rows == 2


def test_a_division_of_ones_own_may_not_separate_a_group(tmp_path, cover):
    file = own(tmp_path, "1,train", "1t,test", "2,train", "2t,train", "nobody,test")
    with pytest.raises(ProblemsError) as caught:
        build("coverage", cover, str(file))
    assert {(p.code, p.sample_id) for p in caught.value.problems} == {("leak", "1"), ("unknown", "nobody")}
    assert "group 1 in one split" in str(caught.value)
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,split\n1,test\n", "expected the columns sample_id and split"),
        ("sample_id,split\n1,a b\n", r"expected splits of letters, digits and underscores, found \['a b'\]"),
        ("sample_id,split\n1,\n", "expected splits of letters"),
        ("sample_id,split\n1,test\n1,test\n", "expected each sample once, found 1 lines too many"),
    ],
)
def test_a_file_that_is_no_division_is_refused(tmp_path, cover, text, message):
    put(tmp_path / "own.csv", text.encode())
    with pytest.raises(InputError, match=message):
        build("coverage", cover, tmp_path / "own.csv")


def test_no_such_protocol(tmp_path, cover):
    with pytest.raises(InputError, match="There is no protocol pcss: coverage knows pscc, scaf"):
        build("coverage", cover, "pcss")
    with pytest.raises(NotFoundError, match="Expected a CSV file with the columns sample_id and split at"):
        build("coverage", cover, tmp_path / "gone.csv")
