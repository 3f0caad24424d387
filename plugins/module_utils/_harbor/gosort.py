# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which Go's sort.Slice leaves rows of equal keys: not a stable one, but always the same. Pure.

Harbor picks the first n of rows so sorted, so where keys are equal, this order decides which images go.
"""

from __future__ import annotations

FEW = 12  # rows that are sorted by insertion
ADJACENT = 50  # rows from which on the pivot is a median of medians, and single rows are moved
ROUNDS = 5  # single rows that are moved before it gives up
MANY_SWAPS = 12  # of the search for a pivot: then the rows stand in the reverse order
WORD = 2**64 - 1


def descending(keys: list) -> list[int]:
    """Return the indexes of the keys, the largest key first, those of equal keys as sort.Slice has them."""
    sort = _Sort(keys)
    sort.some(0, len(keys), len(keys).bit_length())
    return sort.rows


class _Sort:
    def __init__(self, keys: list) -> None:
        self.keys = keys
        self.rows = list(range(len(keys)))

    def before(self, one: int, other: int) -> bool:
        """Return whether the row at one place has to come before that at another one."""
        return self.keys[self.rows[one]] > self.keys[self.rows[other]]

    def swap(self, one: int, other: int) -> None:
        self.rows[one], self.rows[other] = self.rows[other], self.rows[one]

    def some(self, low: int, high: int, patience: int) -> None:
        """Sort the rows from low up to but without high."""
        even = tidy = True
        while high - low > FEW:
            size = high - low
            if not patience:
                return self.by_heap(low, high)
            if not even:
                self.scatter(low, size)
                patience -= 1
            pivot, swaps = self.pivot(low, size)
            if swaps == MANY_SWAPS:
                self.rows[low:high] = reversed(self.rows[low:high])
                pivot, swaps = low + high - 1 - pivot, 0
            if even and tidy and not swaps and self.by_moving(low, high):
                return None
            if low and not self.before(low - 1, pivot):  # all rows here that equal the pivot can stay in front
                low = self.split(low, high, pivot, equal=True)[0]
                continue
            middle, tidy = self.split(low, high, pivot)
            left, right = (low, middle), (middle + 1, high)
            even = min(middle - low, high - middle) >= size // 8
            shorter, (low, high) = (left, right) if middle - low < high - middle else (right, left)
            self.some(*shorter, patience)
        return self.by_insertion(low, high)

    def by_insertion(self, low: int, high: int) -> None:
        for place in range(low + 1, high):
            self.forward(place, low)

    def forward(self, place: int, first: int) -> None:
        while place > first and self.before(place, place - 1):
            self.swap(place, place - 1)
            place -= 1

    def by_heap(self, low: int, high: int) -> None:
        size = high - low
        for root in reversed(range((size - 1) // 2 + 1)):
            self.sink(root, size, low)
        for last in reversed(range(size)):
            self.swap(low, low + last)
            self.sink(0, last, low)

    def sink(self, root: int, size: int, low: int) -> None:
        while 2 * root + 1 < size:
            child = 2 * root + 1
            if child + 1 < size and self.before(low + child, low + child + 1):
                child += 1
            if not self.before(low + root, low + child):
                return
            self.swap(low + root, low + child)
            root = child

    def scatter(self, low: int, size: int) -> None:
        """Swap three rows in the middle with others, by numbers that depend on nothing but the size."""
        number, most = size, 1 << size.bit_length()
        for place in range(low + size // 4 * 2 - 1, low + size // 4 * 2 + 2):
            number ^= number << 13 & WORD
            number ^= number >> 7
            number ^= number << 17 & WORD
            other = number & most - 1
            self.swap(place, low + (other - size if other >= size else other))

    def pivot(self, low: int, size: int) -> tuple[int, int]:
        """Return a place that splits the rows well, and how often the rows looked at were out of order."""
        places, swaps = [low + size // 4 * quarter for quarter in (1, 2, 3)], 0
        if size >= ADJACENT:
            for number, place in enumerate(places):
                places[number], more = self.median(place - 1, place, place + 1)
                swaps += more
        found, more = self.median(*places)
        return found, swaps + more

    def median(self, one: int, two: int, three: int) -> tuple[int, int]:
        swaps = 0
        if self.before(two, one):
            one, two, swaps = two, one, swaps + 1
        if self.before(three, two):
            two, three, swaps = three, two, swaps + 1
        if self.before(two, one):
            one, two, swaps = two, one, swaps + 1
        return two, swaps

    def by_moving(self, low: int, high: int) -> bool:
        """Sort rows that are nearly sorted; return whether that was enough."""
        place = low + 1
        for _round in range(ROUNDS):
            while place < high and not self.before(place, place - 1):
                place += 1
            if place == high or high - low < ADJACENT:
                break
            self.swap(place, place - 1)
            if place - low >= 2:
                self.forward(place - 1, 0)
            later = place + 1
            while later < high and self.before(later, later - 1):
                self.swap(later, later - 1)
                later += 1
        return place == high

    def split(self, low: int, high: int, pivot: int, equal: bool = False) -> tuple[int, bool]:
        """Put rows before the pivot (equal: not after it) in front of the others.

        Return where the pivot is then (equal: where the others begin), and whether all stood so already.
        """
        self.swap(low, pivot)
        left, right, tidy = low + 1, high - 1, True
        while True:
            while left <= right and (not self.before(low, left) if equal else self.before(left, low)):
                left += 1
            while left <= right and (self.before(low, right) if equal else not self.before(right, low)):
                right -= 1
            if left > right:
                break
            self.swap(left, right)
            left, right, tidy = left + 1, right - 1, False
        if equal:
            return left, tidy
        self.swap(right, low)
        return right, tidy
