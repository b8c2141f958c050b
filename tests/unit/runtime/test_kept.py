"""What is kept in memory: the last used, never more than may be."""

import threading

from app.runtime.kept import Kept


def test_what_was_used_last_stays() -> None:
    kept: Kept[str, int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_weight_is_bounded_and_a_value_takes_the_place_of_the_one_before() -> None:
    kept: Kept[str, bytes] = Kept(10, weigh=len)
    for size in (4, 6, 10, 3):
        kept.put("a", bytes(size))
        assert kept.get("a") == bytes(size)
    kept.put("b", bytes(7))
    assert kept.get("a") == bytes(3)
    kept.put("c", bytes(1))
    assert [kept.get(key) is None for key in "abc"] == [False, True, False]


def test_what_is_too_heavy_is_not_kept_and_what_it_was_to_replace_is_gone() -> None:
    kept: Kept[str, bytes] = Kept(10, weigh=len)
    kept.put("a", bytes(5))
    kept.put("b", bytes(5))
    kept.put("b", bytes(11))
    assert [kept.get(key) for key in "ab"] == [bytes(5), None]


def test_what_was_put_or_read_last_goes_last_and_what_is_dropped_makes_room() -> None:
    kept: Kept[str, int] = Kept(3)
    for key in "abc":
        kept.put(key, 0)
    kept.put("a", 1)
    kept.drop("b")
    kept.drop("never there")
    kept.put("d", 2)
    assert [kept.get(key) for key in "abcd"] == [1, None, 0, 2]
    kept.put("e", 3)
    assert [kept.get(key) for key in "acde"] == [None, 0, 2, 3]


def test_a_reader_always_finds_a_value_while_it_is_replaced() -> None:
    kept: Kept[str, int] = Kept(1)
    kept.put("a", 0)
    writer = threading.Thread(target=lambda: [kept.put("a", number) for number in range(20_000)])
    writer.start()
    found = []
    while writer.is_alive():
        found.append(kept.get("a"))
    assert None not in found


def test_threads_share_it() -> None:
    kept: Kept[int, int] = Kept(20)
    wrong: list[object] = []

    def use(start: int) -> None:
        for number in range(start, start + 5000):
            kept.put(number % 50, number % 50)
            wrong.extend(key for key in range(0, 50, 7) if kept.get(key) not in (None, key))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(kept.get(key) is not None for key in range(50)) == 20
