# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sorts that are not stable, step by step: those of Go's sort.Slice and of PostgreSQL, for rows with equal keys."""

from __future__ import annotations

from typing import Any, Callable

INSERTION, NINTHER, STEPS, SHIFTING = 12, 50, 5, 50
MASK = 2**64 - 1
Less = Callable[[Any, Any], bool]


class _GoSort:
    """Go's pattern-defeating quicksort on a list, by a function that says which of two comes first."""

    def __init__(self, data: list[Any], less: Less) -> None:
        self.data = data
        self._less = less

    def less(self, i: int, j: int) -> bool:
        return self._less(self.data[i], self.data[j])

    def swap(self, i: int, j: int) -> None:
        self.data[i], self.data[j] = self.data[j], self.data[i]

    def run(self, a: int, b: int, limit: int) -> None:
        balanced = partitioned = True
        while True:
            length = b - a
            if length <= INSERTION:
                return self.insertion(a, b)
            if limit == 0:
                return self.heap(a, b)
            if not balanced:
                self.shuffle(a, b)
                limit -= 1
            pivot, hint = self.pivot(a, b)
            if hint < 0:
                self.data[a:b] = self.data[a:b][::-1]
                pivot, hint = (b - 1) - (pivot - a), 1
            if balanced and partitioned and hint > 0 and self.nearly_sorted(a, b):
                return None
            if a > 0 and not self.less(a - 1, pivot):
                a = self.split_equal(a, b, pivot)
                continue
            middle, partitioned = self.split(a, b, pivot)
            left, right = middle - a, b - middle
            if left < right:
                balanced = left >= length // 8
                self.run(a, middle, limit)
                a = middle + 1
            else:
                balanced = right >= length // 8
                self.run(middle + 1, b, limit)
                b = middle

    def insertion(self, a: int, b: int) -> None:
        for i in range(a + 1, b):
            j = i
            while j > a and self.less(j, j - 1):
                self.swap(j, j - 1)
                j -= 1

    def heap(self, a: int, b: int) -> None:
        high = b - a
        for root in range((high - 1) // 2, -1, -1):
            self.sift(root, high, a)
        for last in range(high - 1, -1, -1):
            self.swap(a, a + last)
            self.sift(0, last, a)

    def sift(self, root: int, high: int, first: int) -> None:
        while True:
            child = 2 * root + 1
            if child >= high:
                return
            if child + 1 < high and self.less(first + child, first + child + 1):
                child += 1
            if not self.less(first + root, first + child):
                return
            self.swap(first + root, first + child)
            root = child

    def shuffle(self, a: int, b: int) -> None:
        length = b - a
        if length < 8:
            return
        state = length
        at = a + (length // 4) * 2 - 1
        for i in range(3):
            state ^= (state << 13) & MASK
            state ^= state >> 7
            state ^= (state << 17) & MASK
            other = state & ((1 << length.bit_length()) - 1)
            self.swap(at + i, a + (other - length if other >= length else other))

    def pivot(self, a: int, b: int) -> tuple[int, int]:
        quarter = (b - a) // 4
        i, j, k = a + quarter, a + quarter * 2, a + quarter * 3
        swaps = [0]
        if b - a >= 8:
            if b - a >= NINTHER:
                i, j, k = (self.median(x - 1, x, x + 1, swaps) for x in (i, j, k))
            j = self.median(i, j, k, swaps)
        return j, 1 if swaps[0] == 0 else -1 if swaps[0] == 12 else 0

    def median(self, a: int, b: int, c: int, swaps: list[int]) -> int:
        a, b = self.ordered(a, b, swaps)
        b, c = self.ordered(b, c, swaps)
        a, b = self.ordered(a, b, swaps)
        return b

    def ordered(self, a: int, b: int, swaps: list[int]) -> tuple[int, int]:
        if self.less(b, a):
            swaps[0] += 1
            return b, a
        return a, b

    def nearly_sorted(self, a: int, b: int) -> bool:
        i = a + 1
        for _step in range(STEPS):
            while i < b and not self.less(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < SHIFTING:
                return False
            self.swap(i, i - 1)
            if i - a >= 2:
                for j in range(i - 1, 0, -1):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
            if b - i >= 2:
                for j in range(i + 1, b):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
        return False

    def split(self, a: int, b: int, pivot: int) -> tuple[int, bool]:
        self.swap(a, pivot)
        i, j, swapped = a + 1, b - 1, False
        while True:
            while i <= j and self.less(i, a):
                i += 1
            while i <= j and not self.less(j, a):
                j -= 1
            if i > j:
                break
            self.swap(i, j)
            i, j, swapped = i + 1, j - 1, True
        self.swap(j, a)
        return j, not swapped

    def split_equal(self, a: int, b: int, pivot: int) -> int:
        self.swap(a, pivot)
        i, j = a + 1, b - 1
        while True:
            while i <= j and not self.less(a, i):
                i += 1
            while i <= j and self.less(a, j):
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1


def go_sorted(items: list[Any], less: Less) -> list[Any]:
    """Returns the items in the order that Go's sort.Slice leaves them in."""
    data = list(items)
    _GoSort(data, less).run(0, len(data), len(data).bit_length())
    return data


def _median3(data: list[Any], a: int, b: int, c: int, compare: Callable[[Any, Any], int]) -> int:
    if compare(data[a], data[b]) < 0:
        return b if compare(data[b], data[c]) < 0 else (c if compare(data[a], data[c]) < 0 else a)
    return b if compare(data[b], data[c]) > 0 else (a if compare(data[a], data[c]) < 0 else c)


def _postgres(data: list[Any], a: int, n: int, compare: Callable[[Any, Any], int]) -> None:
    while True:
        if all(compare(data[i - 1], data[i]) <= 0 for i in range(a + 1, a + n)):
            return
        if n < 7:
            for i in range(a + 1, a + n):
                while i > a and compare(data[i - 1], data[i]) > 0:
                    data[i], data[i - 1] = data[i - 1], data[i]
                    i -= 1
            return
        middle = a + n // 2
        if n > 7:
            low, high = a, a + n - 1
            if n > 40:
                d = n // 8
                low = _median3(data, low, low + d, low + 2 * d, compare)
                middle = _median3(data, middle - d, middle, middle + d, compare)
                high = _median3(data, high - 2 * d, high - d, high, compare)
            middle = _median3(data, low, middle, high, compare)
        data[a], data[middle] = data[middle], data[a]
        pa = pb = a + 1
        pc = pd = a + n - 1
        while True:
            while pb <= pc and compare(data[pb], data[a]) <= 0:
                if compare(data[pb], data[a]) == 0:
                    data[pa], data[pb] = data[pb], data[pa]
                    pa += 1
                pb += 1
            while pb <= pc and compare(data[pc], data[a]) >= 0:
                if compare(data[pc], data[a]) == 0:
                    data[pc], data[pd] = data[pd], data[pc]
                    pd -= 1
                pc -= 1
            if pb > pc:
                break
            data[pb], data[pc] = data[pc], data[pb]
            pb, pc = pb + 1, pc - 1
        end = a + n
        for start, other, count in ((a, pb, min(pa - a, pb - pa)), (pb, end, min(pd - pc, end - pd - 1))):
            for i in range(count):
                x, y = start + i, other - count + i
                data[x], data[y] = data[y], data[x]
        left, right = pb - pa, pd - pc
        if left <= right:
            if left > 1:
                _postgres(data, a, left, compare)
            if right <= 1:
                return
            a, n = end - right, right
        else:
            if right > 1:
                _postgres(data, end - right, right, compare)
            if left <= 1:
                return
            n = left


def _sift(heap: list[Any], size: int, item: Any, compare: Callable[[Any, Any], int]) -> None:
    """Puts an item in place of the heap's top."""
    i = 0
    while 2 * i + 1 < size:
        j = 2 * i + 1
        if j + 1 < size and compare(heap[j], heap[j + 1]) > 0:
            j += 1
        if compare(item, heap[j]) <= 0:
            break
        heap[i] = heap[j]
        i = j
    heap[i] = item


def _first(rows: list[Any], bound: int, compare: Callable[[Any, Any], int]) -> list[Any]:
    """Returns the first rows as PostgreSQL finds them without sorting all: by a heap with the last one on top."""

    def reverse(one: Any, other: Any) -> int:
        return compare(other, one)

    heap: list[Any] = []
    for row in rows:
        if len(heap) < bound:
            j = len(heap)
            heap.append(row)
            while j > 0 and reverse(row, heap[(j - 1) // 2]) < 0:
                heap[j] = heap[(j - 1) // 2]
                j = (j - 1) // 2
            heap[j] = row
        elif reverse(row, heap[0]) > 0:
            _sift(heap, len(heap), row, reverse)
    for size in range(len(heap) - 1, 0, -1):
        top = heap[0]
        _sift(heap, size, heap[size], reverse)
        heap[size] = top
    return heap


def postgres_sorted(rows: list[Any], compare: Callable[[Any, Any], int], bound: int = 0) -> list[Any]:
    """Returns the rows in the order of PostgreSQL's quicksort (seen: a listing by pull_time).

    Where only few of many rows are wanted (`bound`, the end of the page), these come first, as its heap sorts them.
    """
    if bound > 0 and len(rows) > 2 * bound:
        first = _first(rows, bound, compare)
        taken = {id(row) for row in first}
        return first + [row for row in rows if id(row) not in taken]
    data = list(rows)
    _postgres(data, 0, len(data), compare)
    return data
