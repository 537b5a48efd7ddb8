"""The layouts and states of one data set that must give one benchmark, and copies that must be refused."""

from __future__ import annotations

import json

import lookalikes
import numpy as np
import pytest
from lookalikes import classic, copy_move, encoded, forgery, generated, photo, put, region, text

import forgebench
from forgebench.errors import ForgeBenchError, InputError, Problem, ProblemsError
from forgebench.schema import Fix
from forgebench.sources import Entry
from sources.walking import check, items, walked


def build(name, root, **how):
    return forgebench.build(name, root, root.parent / f"{root.name}-built", workers=1, **how)


@pytest.mark.parametrize("variant", ["pipes", "commas", "quoted"])
def test_reference_tables_of_nist_in_all_variants(tmp_path, variant):
    check("nist16", tmp_path, classic.nist16(tmp_path, variant))
    assert walked("nist16", tmp_path, Problem) == []


def test_a_reference_table_with_the_old_column_names(tmp_path):
    truths = classic.nist16(tmp_path)
    table = tmp_path / "reference" / "manipulation" / "NC2016-manipulation-ref.csv"
    rows = ["TaskID|FileID|ImgFName|MaskFName|isTarget|AnalysisJSON"]
    for name, number in zip(sorted(truths), ("9001", "9001", "9003", "9004", "", ""), strict=True):
        mask = f"reference/manipulation/mask/NC2016_{number}.png" if number else ""
        rows.append(f"manipulation|{name}|probe/{name}.jpg|{mask}|{'N' if not mask else 'Y'}|x.json")
    table.write_text("\n".join(rows))
    found = items("nist16", tmp_path)
    assert all(item.mask.tobytes() == truths[name].mask.tobytes() for name, item in found.items())
    assert found["NC2016_0001"].group == found["NC2016_0002"].group != found["NC2016_0003"].group


def test_nist_without_its_tables_is_refused(tmp_path):
    classic.nist16(tmp_path)
    for table in tmp_path.rglob("*.csv"):
        table.unlink()
    with pytest.raises(InputError, match="which alone pairs probes and masks"):
        walked("nist16", tmp_path, Entry)


def test_a_target_whose_table_has_two_masks_is_named(tmp_path):
    classic.nist16(tmp_path)
    table = tmp_path / "reference" / "manipulation" / "NC2016-manipulation-ref.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1].replace("mask/NC2016_9001", "mask/NC2016_9003")]))
    (problem,) = walked("nist16", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("duplicate", "NC2016_0001")


def test_both_states_of_casia_v2_give_one_content_hash(tmp_path):
    for state in ("given", "corrected"):
        lookalikes.casia_v2(tmp_path / state, renamed=state == "corrected")
    given, corrected = (build("casia-v2", tmp_path / state) for state in ("given", "corrected"))
    assert given.content_hash == corrected.content_hash
    assert given.manifest.rows.keys() == corrected.manifest.rows.keys()


def test_both_states_of_casia_v1_give_one_content_hash(tmp_path):
    for layout in ("original", "wscl"):
        lookalikes.casia_v1(tmp_path / layout, layout=layout)
    assert len({build("casia-v1", tmp_path / layout).content_hash for layout in ("original", "wscl")}) == 1


def test_all_casia_v2_renames_lead_to_the_corrected_name(tmp_path, shared_data):
    """Every original and every corrected name of the published table becomes the corrected one."""
    table = shared_data.parent / "tables" / "casia2_renames_namtpham.csv"
    names = [line.split(",")[:2] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(names) == 141
    for folder, column in (("old", 0), ("new", 1)):
        for pair in names:
            put(tmp_path / folder / "Tp" / pair[column], b"")
            put(tmp_path / folder / "Gt" / pair[1].replace(pair[1][-4:], "_gt.png"), b"")
        found = sorted(entry.sample_id for entry in walked("casia-v2", tmp_path / folder, Entry))
        assert found == sorted(pair[1][:-4] for pair in names)
        kinds = {e.sample_id[3]: e.manipulation for e in walked("casia-v2", tmp_path / folder, Entry)}
        assert kinds == {"S": "copy_move", "D": "splice"}


def test_a_corrected_mask_of_casia_v2_is_taken_in_place_of_the_published_one(tmp_path):
    truths = lookalikes.casia_v2(tmp_path)
    name = "Tp_D_CNN_M_N_sec00011_cha00085_11227"
    put(tmp_path / "Gt" / f"{name}_gt.png", encoded(truths[name].mask, "PNG"))
    found = items("casia-v2", tmp_path)[name]
    assert found.mask.tobytes() == truths[name].mask.tobytes()
    assert [fix.action for fix in found.fixes] == [f"Gt/{name}_gt.png was taken"]


def test_two_masks_outside_the_table_of_casia_v2_are_named(tmp_path):
    lookalikes.casia_v2(tmp_path)
    put(tmp_path / "Gt" / "Tp_D_CND_M_N_ani00018_sec00096_00138_gt.png", encoded(region(1), "PNG"))
    (problem,) = walked("casia-v2", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("duplicate", "Tp_D_CND_M_N_ani00018_sec00096_00138")


def test_a_mask_on_its_side_is_not_guessed_without_its_original(tmp_path):
    lookalikes.casia_v2(tmp_path)
    (tmp_path / "Au" / "Au_sec_00011.bmp").unlink()
    with pytest.raises(ProblemsError, match=r"\[mismatched\] Tp_D_CNN_M_N_sec00011_cha00085_11227"):
        build("casia-v2", tmp_path)


def test_corel_photographs_beyond_the_list_are_refused_without_it(tmp_path):
    for number in range(790):
        put(tmp_path / "corel-1k" / "training_set" / "bus" / f"{number}.jpg", b"")
    with pytest.raises(InputError, match=r"expected 782 Corel photographs, found 790.*CASIAv1plus\.txt"):
        walked("casia-v1-plus", tmp_path, Entry)
    lines = "".join(f"./corel-1k/training_set/bus/{number}.jpg None 0\n" for number in range(8, 790))
    put(tmp_path / "CASIAv1plus.txt", lines.encode())
    numbers = {int(entry.sample_id[-3:]) for entry in walked("casia-v1-plus", tmp_path, Entry)}
    assert numbers == set(range(8, 790))


def test_other_authentic_images_of_casia_v1_do_not_belong_to_v1_plus(tmp_path):
    put(tmp_path / "Au" / "Au_ani_0001.jpg", b"")
    put(tmp_path / "Au" / "Au_nat_0078.jpg", b"")
    assert [entry.sample_id for entry in walked("casia-v1-plus", tmp_path, Entry)] == ["Au_nat_0078"]


def test_sid_set_as_folders(tmp_path):
    check("sid-set", tmp_path, generated.sid_set(tmp_path, folders=True))


def test_a_label_that_sid_set_does_not_have(tmp_path):
    rows = [{"img_id": "a", "image": b"", "mask": None, "label": 3}]
    generated.write_parquet(tmp_path / "train-0-of-1.parquet", rows, ("image", "mask"))
    with pytest.raises(InputError, match="found 3"):
        walked("sid-set", tmp_path, Entry)


@pytest.mark.parametrize(("label", "key", "mask"), [(0, "real", b"x"), (1, "partial_fake", None), (2, "real", None)])
def test_a_contradiction_in_opensdi_is_named(tmp_path, label, key, mask):
    rows = [{"key": key, "image": b"", "mask": mask, "label": label}]
    generated.write_parquet(tmp_path / "train-0-of-1.parquet", rows, ("image", "mask"))
    (problem,) = walked("opensdi", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("contradiction", key)


def test_magicbrush_with_white_masks(tmp_path):
    check("magicbrush", tmp_path, generated.magicbrush(tmp_path, holes=False))


@pytest.mark.parametrize("holes", [True, False])
def test_magicbrush_with_inverted_masks_is_refused(tmp_path, holes):
    generated.magicbrush(tmp_path, holes=holes, wrong=True)
    with pytest.raises(InputError, match=r"masks of magicbrush do not mark what was changed: expected more"):
        walked("magicbrush", tmp_path, Entry)


@pytest.mark.parametrize("both", [True, False])
def test_comofod_with_its_own_masks(tmp_path, both):
    """Whether they mark the source too is told by the files themselves."""
    check("comofod", tmp_path, copy_move.comofod(tmp_path, three_classes=False, both=both))


def test_comofod_with_its_own_masks_and_no_originals_is_refused(tmp_path):
    copy_move.comofod(tmp_path, three_classes=False)
    for original in tmp_path.rglob("*_O*"):
        original.unlink()
    with pytest.raises(InputError, match="mark the source too cannot be told without originals"):
        walked("comofod", tmp_path, Entry)


def test_comofod_whose_masks_mark_something_else_is_refused(tmp_path):
    for number in range(3):
        before, after, mask = forgery(number)
        for letter, pixels in (("O", before), ("F", after), ("B", np.roll(mask, 16, axis=0))):
            put(tmp_path / f"{number:03d}_{letter}.png", encoded(pixels, "PNG"))
    with pytest.raises(InputError, match=r"masks of comofod do not mark what was changed: expected them to cover"):
        walked("comofod", tmp_path, Entry)


def test_doctamper_numbered_from_one(tmp_path):
    check("doctamper", tmp_path, text.doctamper(tmp_path, first=1))


def test_doctamper_without_lmdb_says_what_to_install(tmp_path, monkeypatch):
    text.doctamper(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "lmdb", None)
    with pytest.raises(ForgeBenchError, match=r"pip install 'forgebench\[sources\]'"):
        walked("doctamper", tmp_path, Entry)


def test_an_empty_mask_in_doctamper_is_named(tmp_path):
    import lmdb

    text.doctamper(tmp_path)
    with lmdb.open(str(tmp_path / "DocTamperV1-FCD")) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"label-000000001", encoded(np.zeros((32, 48), np.uint8), "PNG"))
    with pytest.raises(ProblemsError, match=r"\[empty_mask\] fcd-000000001"):
        build("doctamper", tmp_path)


def test_a_name_in_no_list_of_rtm_is_named(tmp_path):
    text.rtm(tmp_path)
    (tmp_path / "train.txt").write_text("cpmv_0000\n")
    (problem,) = walked("rtm", tmp_path, Problem)
    assert (problem.code, problem.sample_id) == ("unlisted", "good_0003")


def test_a_line_that_is_no_box_is_refused(tmp_path):
    text.tampered_ic13(tmp_path)
    put(tmp_path / "test" / "ic13_fake_gt" / "img_1.txt", b"1,2,3\n")
    with pytest.raises(InputError, match=r"expected x1,y1,x2,y2,\"text\", found '1,2,3'"):
        walked("tampered-ic13", tmp_path, Entry)


def test_openforensics_whose_category_0_is_not_real_is_refused(tmp_path):
    generated.openforensics(tmp_path)
    file = tmp_path / "Train_poly.json"
    content = json.loads(file.read_text()) | {"categories": [{"id": 0, "name": "Fake"}, {"id": 1, "name": "Real"}]}
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="expected category 0 to be the real faces"):
        walked("openforensics", tmp_path, Entry)


def test_a_segmentation_that_cannot_be_drawn_is_named(tmp_path):
    put(tmp_path / "a.png", encoded(photo(1), "PNG"))
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [
        {"image_id": 1, "bbox": [1, 2, 3, 4], "segmentation": {"size": [5, 5], "counts": [25]}}]}  # fmt: skip
    put(tmp_path / "test.json", json.dumps(content).encode())
    with pytest.raises(ProblemsError, match=r"\[unreadable\] a:.*the annotations.*cannot be drawn at 48x32"):
        build("coco", tmp_path)


def test_coco_that_names_two_images_by_one_path_end(tmp_path):
    for folder in ("x", "y"):
        put(tmp_path / folder / "a.png", encoded(photo(1), "PNG"))
    content = {"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "y/a.png"}], "annotations": []}
    put(tmp_path / "test.json", json.dumps(content).encode())
    (problem,) = walked("coco", tmp_path, Problem)
    assert (problem.code, problem.sample_id, problem.got) == ("duplicate", "a", "x/a.png and y/a.png")
    (entry,) = walked("coco", tmp_path, Entry)
    assert entry.image == "y/a.png"


HUB = """
columns: {image: picture, mask: truth, label: class, sample_id: id, group: photo}
labels: {0: authentic, 2: tampered, 4: full_synthetic}
mask_rule: below_128
"""


def test_a_hub_data_set_is_found_by_its_card(tmp_path):
    """`datasets` finds files and splits of a repository; a folder stands for one of the Hub."""
    truths = lookalikes.MAKERS["hub"](tmp_path / "repository")
    (tmp_path / "repository" / "hub.yaml").unlink()
    put(tmp_path / "map" / "hub.yaml", f"dataset: {tmp_path / 'repository'}\n{HUB}".encode())
    check("hub", tmp_path / "map", truths)
    assert build("hub", tmp_path / "map").manifest.total.samples == len(truths)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("label: class", "label: klass"), "expected the columns klass, found"),
        (("4: full_synthetic", "5: full_synthetic"), "expected a meaning of label '4'"),
        (("below_128", "guess"), "mask_rule"),
        (("image: picture", "picture: image"), "columns.image"),
        (("columns:", "columns: ]"), "hub.yaml"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path, edit, message):
    lookalikes.MAKERS["hub"](tmp_path)
    (tmp_path / "hub.yaml").write_text(HUB.replace(*edit))
    with pytest.raises(InputError, match=message):
        walked("hub", tmp_path, Entry)


def test_a_hub_data_set_with_an_image_column_alone(tmp_path):
    lookalikes.MAKERS["hub"](tmp_path)
    (tmp_path / "hub.yaml").write_text("columns: {image: picture, mask: truth}\nmask_rule: below_128\n")
    found = walked("hub", tmp_path, Entry)
    assert [entry.sample_id for entry in found if entry.label == "tampered"] == [
        "train-0000001", "train-0000003", "validation-0000001", "validation-0000003",
    ]  # fmt: skip


def test_a_scribble_of_another_size_and_one_with_other_values_are_named(tmp_path):
    lookalikes.MAKERS["sc-iml"](tmp_path)
    folder = tmp_path / "Sc-IML" / "train" / "Scribble"
    put(folder / "2t.png", encoded(np.ones((5, 5), np.uint8), "PNG"))
    put(folder / "NC2016_0001.png", encoded(np.full((32, 48), 255, np.uint8), "PNG"))
    with pytest.raises(ProblemsError) as caught:
        build("sc-iml", tmp_path)
    named = {(problem.code, problem.sample_id) for problem in caught.value.problems}
    assert named == {("mismatched", "2t"), ("unreadable", "NC2016_0001")}


def test_a_human_scribble_stands_in_the_benchmark_and_its_card_says_so(tmp_path):
    truths = lookalikes.MAKERS["sc-iml"](tmp_path / "in")
    built = build("sc-iml", tmp_path / "in")
    for row in built.load("scribble", "train"):
        np.testing.assert_array_equal(np.asarray(row["scribble"]), truths[row["sample_id"]].scribble)
    assert "`scribble`: drawn by people (Sc-IML)" in (built.path / "README.md").read_text()


def test_a_scribble_without_an_image_is_missing(tmp_path):
    lookalikes.MAKERS["sc-iml"](tmp_path)
    (tmp_path / "Sc-IML" / "train" / "Image" / "NC2016_0001.jpg").unlink()
    assert [(p.code, p.sample_id) for p in walked("sc-iml", tmp_path, Problem)] == [("missing", "NC2016_0001")]


def test_all_of_misds_masks_are_needed_to_be_whole_but_one_is_enough(tmp_path):
    truths = classic.misd(tmp_path)
    name = "Sp_D_ani_01_art_02_cha_03_0001"
    (tmp_path / "Ground Truth Masks" / name / "masks" / "2.png").unlink()
    found = items("misd", tmp_path)[name]
    assert found.boxes == truths[name].boxes[:2]
    assert found.mask.sum() == 128
    assert walked("misd", tmp_path, Fix) == []


def test_a_damaged_environment_is_refused(tmp_path):
    put(tmp_path / "DocTamperV1-FCD" / "data.mdb", b"not an environment")
    with pytest.raises(InputError, match="Get this LMDB environment again"):
        walked("doctamper", tmp_path, Entry)


def test_a_damaged_parquet_file_is_refused(tmp_path):
    put(tmp_path / "train-00000-of-00001.parquet", b"PAR1 and nothing more")
    for name in ("sid-set", "opensdi", "magicbrush"):
        with pytest.raises(InputError, match="expected a Parquet file"):
            walked(name, tmp_path, Entry)
