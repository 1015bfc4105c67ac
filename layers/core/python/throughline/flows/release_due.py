"""Hand far timers on to the queue when a queue can delay them: every minute, those that come due within ten."""

from throughline.ports import DueTimers, Timers

MINUTE_MS = 60_000
AHEAD_MINUTES = 10  # a queue delays 15; what is put later than this far ahead never comes here
FIRST_LOOK_BACK_MINUTES = 15  # a stage is a minute old when it first looks
MINUTES_A_RUN = 240  # after hours without a run the next ones catch up, each well within its time-out


def release_due(due: DueTimers, timers: Timers, now_ms: int) -> int:
    """Arm the timers of every minute that was not handed on yet, up to ten minutes ahead; return how many there were.

    Safe to repeat and to run late: a minute counts as handed on only when the queue has all of it, and a crash hands
    some of it on twice. Costs 1 RRU a minute, 1 WRU a timer, and 1 WRU a run.
    """
    this_minute = now_ms // MINUTE_MS
    cursor = due.find_cursor()
    first = this_minute - FIRST_LOOK_BACK_MINUTES if cursor is None else cursor + 1
    last = min(this_minute + AHEAD_MINUTES, first + MINUTES_A_RUN - 1)
    released = 0
    for minute in range(first, last + 1):
        for timer in due.list_due(minute):
            timers.arm(timer.work, delay_s=max(0.0, (timer.due_ms - now_ms) / 1000))
            due.delete(timer)
            released += 1
    if first <= last:
        due.advance_cursor(last)
    return released
