"""The bench measures what it says: its own parsing, counting and comparing, without any other server."""

import os
import subprocess
import sys

import numpy as np
import pytest
import pyvips

from tests.bench import load, measure, report, truth, workloads
from tests.bench.report import Tally
from tests.bench.scene import HEIGHT, WIDTH

TOLD = 'Running 2s test\n\n{"requests":300,"microseconds":2000000,"bytes":4000000,"p50":1500,"p99":9000,"refused":2,"broken":1}\n'


def test_what_wrk_printed_is_read_with_its_units():
    counted = load.parse(TOLD)
    assert (counted.per_second, counted.p50_ms, counted.p99_ms) == (150.0, 1.5, 9.0)
    assert (counted.refused, counted.broken, counted.megabytes) == (2, 1, 4.0)


def test_cpu_time_is_read_behind_a_name_with_blanks_and_parentheses():
    line = "17 (a (b) c) S " + " ".join(["0"] * 10) + " 7 5 3 1 20 0 9 9 9"
    assert measure.times_ms(line) == 16 * measure.TICK_MS


def test_cpu_time_counts_children_and_their_children():
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {burn + 'print(1, flush=True); input()'!r}])\n"
    code += "import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        try:
            assert len(measure.family([parent.pid])) == 2
            assert measure.cpu_ms([parent.pid]) >= 290
            memory = measure.memory([parent.pid])
            assert 0 < memory.pss_mb <= memory.rss_mb
        finally:
            for pid in reversed(measure.family([parent.pid])):
                os.kill(pid, 9)


def test_tiles_lie_within_the_sheet_and_reach_its_edges():
    for side in (256, 512):
        boxes = []
        for path in workloads.tiles(side):
            match = truth.PATH.fullmatch(path)
            assert match, path
            x, y, width, height = (int(match[n] or (0, 0, 0, WIDTH, HEIGHT)[n]) for n in range(1, 5))
            assert x + width <= WIDTH
            assert y + height <= HEIGHT
            assert max(int(match[5]), int(match[6])) <= side
            boxes.append((x + width, y + height))
        assert {WIDTH, HEIGHT} <= {side for box in boxes for side in box}


def test_new_pictures_are_never_asked_for_twice():
    runs = [workloads.whole(400, 500, 1 + 500 * number) for number in range(4)]
    assert len({path for run in runs for path in run} | set(workloads.whole(400))) == 2001
    assert workloads.whole(400) == ["full/400,600/0/default.jpg"]


def test_a_right_answer_is_told_from_wrong_ones():
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    master = pyvips.Image.new_from_array(noise, interpretation="srgb").gaussblur(2)
    path = "32,0,64,64/32,32/0/default.jpg"
    right = master.crop(32, 0, 64, 64).shrink(2, 2)
    assert truth.check(master, path, right.jpegsave_buffer(Q=95)) > truth.LEAST_DB
    assert truth.check(master, path, master.crop(0, 0, 64, 64).shrink(2, 2).jpegsave_buffer(Q=95)) < 30
    with pytest.raises(truth.Wrong, match="64 × 64"):
        truth.check(master, path, master.crop(32, 0, 64, 64).jpegsave_buffer())
    with pytest.raises(truth.Wrong, match="decoded"):
        truth.check(master, path, b"Service Unavailable")


def test_ratios_are_those_of_the_cpu_with_what_stands_in_front():
    ours, theirs = (Tally([load.parse(TOLD)] * 2, cpu_ms=cpu, front_ms=front) for cpu, front in ((600.0, 0.0), (6000.0, 1500.0)))
    row = report.line("tile", "other", theirs, ours)
    assert row[2:5] == ["12.5", "2.50", "1.00"]
    assert row[-1] == "12.5x"
    assert "6 failed" in row[1]


def test_only_what_stands_between_the_markers_is_written_anew():
    document = f"Before\n{report.BEGIN}\nold\n{report.END}\nAfter\n"
    assert report.replace_between(document, "new") == f"Before\n{report.BEGIN}\nnew\n{report.END}\nAfter\n"
    with pytest.raises(ValueError, match="0 places"):
        report.replace_between("no markers", "new")
