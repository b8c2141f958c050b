"""Counting in one process, as tests and the command line do."""

from prometheus_client import CollectorRegistry, generate_latest

from app.runtime import metrics


def shown() -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(metrics.collector())
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_answers_bytes_and_pictures_are_counted() -> None:
    name = 'lectotype_image_answers_total{cache="disk",format="webp",lane="render"}'
    size, pictures = 'lectotype_image_bytes_total{lane="render"}', "lectotype_render_seconds_count"
    before = shown()
    metrics.image_answered("render", "webp", "disk", 1234)
    metrics.image_answered("render", "webp", "disk")
    metrics.rendered(0.07)
    metrics.renders_wait(3)
    metrics.renders_wait(-2)
    after = shown()
    assert after[name] - before.get(name, 0) == 2
    assert after[size] - before.get(size, 0) == 1234
    assert after[pictures] - before[pictures] == 1
    assert after['lectotype_render_seconds_bucket{le="0.05"}'] == before['lectotype_render_seconds_bucket{le="0.05"}']
    assert after['lectotype_render_seconds_bucket{le="0.1"}'] - before['lectotype_render_seconds_bucket{le="0.1"}'] == 1
    assert after["lectotype_renders_waiting"] - before["lectotype_renders_waiting"] == 1
    metrics.renders_wait(-1)
