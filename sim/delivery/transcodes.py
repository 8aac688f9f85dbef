"""Concurrent transcodes: pictures below the best are made from it, and only so many at once.

Alibaba Live: 300 transcoded streams at once in Beijing, Shanghai and Shenzhen, 50 elsewhere;
beyond them viewers get the original stream (help.aliyun.com, live, limits). A picture is one
transcode however many watch it, so a sample meets the same number. Sound alone needs none.
"""

from __future__ import annotations

from typing import Any

from sim.compiled import step


@step
def start_and_stop(p: Any) -> bool:
    """Who wants a picture nobody makes gets it made while one more may be; whether any began.

    `p`: the pictures of a path (`layers`, `layer_audio`), which are `missing`, how many viewers
    want each (`wishes`), and how many `transcodes` may run. One runs on while anybody wants it. Of
    pictures first wanted within the same second the better one comes first.
    """
    running, began = 0, False
    for k in range(1, p.layers):
        if p.layer_audio[k] == 0 and p.missing[k] == 0:
            if p.wishes[k] > 0:
                running += 1
            else:
                p.missing[k] = 1
    for k in range(1, p.layers):
        if p.missing[k] != 0 and p.wishes[k] > 0 and running < p.transcodes:
            p.missing[k] = 0
            running += 1
            began = True
    p.most_made = max(p.most_made, running)
    return began
