"""A decoder of zstd frames, written from RFC 8878 for the reader in cgw.py.

It refuses all that the RFC does, and what docs/cgw-format.md adds to it, as no version of libzstd
does: some accept bit streams that end within a code. The sections named here are the RFC's.
"""

from __future__ import annotations

BLOCK_LIMIT = 128 << 10
# The lengths that codes of literals and matches stand for: a base, and the number of bits that
# are added to it (3.1.1.3.2.1.1).
LITERAL_LENGTHS = [(length, 0) for length in range(16)] + [
    (16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2), (32, 3), (40, 3), (48, 4),
    *((1 << bits, bits) for bits in range(6, 17))]
MATCH_LENGTHS = [(length, 0) for length in range(3, 35)] + [
    (35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4), (83, 4), (99, 5),
    *((3 + (1 << bits), bits) for bits in range(7, 17))]
OFFSET_CODES = 32
LONGEST_CODE = 11

# A table of finite state entropy: of each state its symbol, and the number of bits that are added
# to a base for the next one.
Table = list[tuple[int, int, int]]


class Refused(ValueError):
    """What a reader must refuse."""


def check(condition: bool, fault: str) -> None:
    if not condition:
        raise Refused(fault)


# MARK: - Codes


class Bits:
    """A bit stream that is read from its end, as a string of its digits in the order of reading."""

    def __init__(self, stream: bytes) -> None:
        check(stream[-1:] not in (b"", b"\0"), "a bit stream without an end")
        self.digits = bin(int.from_bytes(stream, "little"))[3:]
        self.place = 0

    def read(self, count: int) -> int:
        """The next bits, which are 0 where the stream is over."""
        digits = self.digits[self.place : self.place + count]
        self.place += count
        return int("0" + digits.ljust(count, "0"), 2)

    @property
    def left(self) -> int:
        return len(self.digits) - self.place


def entropy_table(numbers: list[int], accuracy: int) -> Table:
    """The table of symbols' probabilities, of which -1 is less than one (4.1.1)."""
    size = 1 << accuracy
    rare = [symbol for symbol, number in enumerate(numbers) if number < 0]
    end = size - len(rare)
    symbols = [0] * end + rare[::-1]
    place = 0
    for symbol, number in enumerate(numbers):
        for _ in range(number):
            symbols[place] = symbol
            place = (place + (size >> 1) + (size >> 3) + 3) % size
            while place >= end:
                place = (place + (size >> 1) + (size >> 3) + 3) % size
    table, counts = [], [abs(number) for number in numbers]
    for symbol in symbols:
        bits = accuracy + 1 - counts[symbol].bit_length()
        table.append((symbol, bits, (counts[symbol] << bits) - size))
        counts[symbol] += 1
    return table


def read_entropy_table(data: bytes, symbols: int, most_accurate: int) -> tuple[Table, int]:
    """A table that begins the data, and the number of bytes of its description (4.1.1)."""
    word, place = int.from_bytes(data, "little"), 4
    accuracy = (word & 15) + 5
    check(accuracy <= most_accurate, "a table too accurate")
    numbers: list[int] = []
    left = 1 << accuracy
    while left:
        check(len(numbers) < symbols, "too many symbols")
        # A value up to left + 1, the smaller ones in a bit less.
        width = (left + 1).bit_length()
        half = 1 << (width - 1)
        few = 2 * half - 2 - left
        value = word >> place & (2 * half - 1)
        place += width
        if value & (half - 1) < few:
            value &= half - 1
            place -= 1
        elif value >= half:
            value -= few
        numbers.append(value - 1)
        left -= abs(value - 1)
        zeros = 3 if value == 1 else 0
        while zeros == 3:
            zeros = word >> place & 3
            place += 2
            numbers += [0] * zeros
            check(len(numbers) <= symbols, "too many symbols")
    length = (place + 7) // 8
    check(length <= len(data), "a table that is cut")
    return entropy_table(numbers, accuracy), length


class HuffmanCode:
    """A code of literals (4.2.1)."""

    def __init__(self, data: bytes) -> None:
        check(len(data) > 0, "literals without a code")
        #: The number of bytes of the description.
        self.length = 1 + (data[0] if data[0] < 128 else (data[0] - 126) // 2)
        check(self.length <= len(data), "a code that is cut")
        if data[0] < 128:
            weights = self.entropy_coded(data[1 : self.length])
        else:
            weights = [half for byte in data[1 : self.length] for half in (byte >> 4, byte & 15)][: data[0] - 127]
        total = sum(1 << weight >> 1 for weight in weights)
        #: The length of the longest code.
        self.width = total.bit_length()
        left = (1 << self.width) - total
        check(1 <= self.width <= LONGEST_CODE and left & (left - 1) == 0, "not the weights of a code")
        weights.append(left.bit_length())
        check(1 in weights, "no code has the greatest length")
        #: Of all digits of that length, the symbol of the code that they begin with and its length.
        self.codes: dict[str, tuple[int, int]] = {}
        for weight in range(1, self.width + 1):
            for symbol in (symbol for symbol, other in enumerate(weights) if other == weight):
                for _ in range(1 << weight >> 1):
                    self.codes[format(len(self.codes), f"0{self.width}b")] = symbol, self.width + 1 - weight

    @staticmethod
    def entropy_coded(data: bytes) -> list[int]:
        table, length = read_entropy_table(data, LONGEST_CODE + 1, 6)
        accuracy = len(table).bit_length() - 1
        bits = Bits(data[length:])
        state, other = bits.read(accuracy), bits.read(accuracy)
        check(bits.left >= 0, "weights that are cut")
        weights: list[int] = []
        while bits.left >= 0:
            check(len(weights) < 254, "too many weights")
            symbol, count, base = table[state]
            weights.append(symbol)
            state, other = other, base + bits.read(count)
        return weights + [table[state][0]]

    def decoded(self, stream: bytes, count: int) -> bytes:
        """The literals of a stream, which must have just so many (4.2.2)."""
        digits = Bits(stream).digits
        end = len(digits)
        digits += "0" * self.width
        literals, place = bytearray(), 0
        while len(literals) < count and place < end:
            symbol, length = self.codes[digits[place : place + self.width]]
            literals.append(symbol)
            place += length
        check(len(literals) == count and place == end, "a stream of literals has another end")
        return bytes(literals)


# MARK: - Frames


class Decoder:
    """What a frame's blocks have in common."""

    # The codes of literals' lengths, offsets and matches' lengths if a block names none: their
    # probabilities and accuracy (3.1.1.3.2.2).
    PREDEFINED = (
        entropy_table([4, 3, *11 * [2], 1, 1, 1, *9 * [2], 3, 2, *5 * [1], *4 * [-1]], 6),
        entropy_table([*6 * [1], 2, 2, 2, *15 * [1], *5 * [-1]], 5),
        entropy_table([1, 4, 3, *6 * [2], *37 * [1], *7 * [-1]], 6),
    )
    # The number of symbols of each, and the accuracy that they may have.
    LIMITS = ((len(LITERAL_LENGTHS), 9), (OFFSET_CODES, 8), (len(MATCH_LENGTHS), 9))

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.content = bytearray()
        self.code: HuffmanCode | None = None
        self.tables: list[Table | None] = [None, None, None]
        self.recent = [1, 4, 8]

    def decode(self, block: bytes) -> None:
        """Adds what a compressed block has (3.1.1.3)."""
        literals, length = self.literals(block)
        section = block[length:]
        check(len(section) > 0, "a block without sequences")
        place = 1 + (section[0] >= 128) + (section[0] == 255)
        check(len(section) >= place, "a block that is cut")
        count = section[0]
        if count == 255:
            count = 0x7F00 + int.from_bytes(section[1:3], "little")
        elif count >= 128:
            count = (count - 128 << 8) + section[1]
        end = len(self.content) + self.limit
        if count == 0:
            check(len(section) == place, "bytes after a block")
        else:
            literals = self.execute(section[place:], count, literals, end)
        self.content += literals
        check(len(self.content) <= end, "a block too long")

    def literals(self, block: bytes) -> tuple[bytes, int]:
        """A block's literals, and the length of their section (3.1.1.3.1)."""
        check(len(block) > 0, "an empty block")
        header = int.from_bytes(block[:5], "little")
        kind, form = header & 3, header >> 2 & 3
        if kind < 2:
            place = (1, 2, 1, 3)[form]
            count = (header & (1 << 8 * place) - 1) >> (4 if form & 1 else 3)
            end = place + (1 if kind == 1 else count)
            check(end <= len(block), "literals that are cut")
            check(count <= self.limit, "too many literals")
            return block[place:end] * (count if kind == 1 else 1), end
        place, width = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
        count, length = (header >> 4 & (1 << width) - 1), (header >> (4 + width) & (1 << width) - 1)
        end = place + length
        check((6 if form else 1) <= count <= self.limit and end <= len(block), "an impossible number of literals")
        data = block[place:end]
        if kind == 2:
            self.code = HuffmanCode(data)
            data = data[self.code.length :]
        if self.code is None:
            raise Refused("no code to repeat")
        if form == 0:
            return self.code.decoded(data, count), end
        check(len(data) >= 6, "streams without lengths")
        quarter = (count + 3) // 4
        literals, first = b"", 6
        for index in range(3):
            last = first + int.from_bytes(data[2 * index : 2 * index + 2], "little")
            check(last <= len(data), "a stream that is cut")
            literals += self.code.decoded(data[first:last], quarter)
            first = last
        return literals + self.code.decoded(data[first:], count - 3 * quarter), end

    def execute(self, section: bytes, count: int, literals: bytes, end: int) -> bytes:
        """Executes sequences, and returns the literals that remain (3.1.1.3.2, 3.1.1.4)."""
        check(len(section) > 0 and section[0] & 3 == 0, "impossible modes")
        place, tables = 1, []
        for index, (symbols, accuracy) in enumerate(self.LIMITS):
            mode = section[0] >> (6 - 2 * index) & 3
            if mode == 0:
                self.tables[index] = self.PREDEFINED[index]
            elif mode == 1:
                check(place < len(section) and section[place] < symbols, "an impossible code")
                self.tables[index] = [(section[place], 0, 0)]
                place += 1
            elif mode == 2:
                self.tables[index], length = read_entropy_table(section[place:], symbols, accuracy)
                place += length
            tables.append(self.tables[index])
        bits = Bits(section[place:])
        check(None not in tables, "no table to repeat")
        states = [bits.read(len(table).bit_length() - 1) for table in tables]
        for sequence in range(count):
            check(bits.left >= 0, "sequences that are cut")
            (literal, *_), (offset, *_), (match, *_) = entries = [t[s] for t, s in zip(tables, states)]
            offset = (1 << offset) + bits.read(offset)
            match, literal = (base + bits.read(more) for base, more in (MATCH_LENGTHS[match], LITERAL_LENGTHS[literal]))
            if sequence + 1 < count:
                for index in (0, 2, 1):
                    states[index] = entries[index][2] + bits.read(entries[index][1])
            check(literal <= len(literals), "more literals than there are")
            self.content += literals[:literal]
            literals = literals[literal:]
            offset = self.offset(offset, literal == 0)
            check(offset <= len(self.content), "a match before the content")
            check(len(self.content) + match <= end, "a block too long")
            while match:
                piece = self.content[len(self.content) - offset :][:match]
                self.content += piece
                match -= len(piece)
        check(bits.left == 0, "the sequences have another end")
        return literals

    def offset(self, value: int, without_literals: bool) -> int:
        """An offset from its value, which may be a recent one (3.1.1.5)."""
        if value > 3:
            self.recent = [value - 3, *self.recent[:2]]
        elif value + without_literals > 3:
            check(self.recent[0] > 1, "an offset of 0")
            self.recent = [self.recent[0] - 1, *self.recent[:2]]
        else:
            self.recent.insert(0, self.recent.pop(value + without_literals - 1))
        return self.recent[0]


def decompressed(frame: bytes, size: int) -> bytes:
    """The content of a frame, which must have just so many bytes (3.1.1)."""
    check(len(frame) >= 5 and frame[:4] == b"\x28\xb5\x2f\xfd", "not a zstd frame")
    descriptor, place = frame[4], 5

    def taken(length: int) -> bytes:
        nonlocal place
        check(place + length <= len(frame), "the frame is cut")
        place += length
        return frame[place - length : place]

    def number(length: int) -> int:
        return int.from_bytes(taken(length), "little")

    check(not descriptor & 8, "the reserved bit is set")
    is_single = bool(descriptor & 0x20)
    window = size
    if not is_single:
        byte = number(1)
        check(byte >> 3 <= 17, "the window is too large")
        window = (8 + (byte & 7)) << 7 + (byte >> 3)
    check(number((0, 1, 2, 4)[descriptor & 3]) == 0, "the frame needs a dictionary")
    length = (int(is_single), 2, 4, 8)[descriptor >> 6]
    if length:
        check(number(length) + (256 if length == 2 else 0) == size, "the frame has another content size")
    decoder = Decoder(min(window, BLOCK_LIMIT))
    is_last = False
    while not is_last:
        header = number(3)
        is_last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
        check(kind != 3 and length <= decoder.limit, "not a block")
        content = taken(1 if kind == 1 else length)
        if kind == 2:
            decoder.decode(content)
        else:
            decoder.content += content * length if kind == 1 else content
        check(len(decoder.content) <= size, "the content is too long")
    if descriptor & 4:
        check(number(4) == xxhash64(decoder.content) & 0xFFFFFFFF, "the frame's checksum")
    check(place == len(frame), "bytes after the frame")
    check(len(decoder.content) == size, "the content is too short")
    return bytes(decoder.content)


def xxhash64(data: bytes) -> int:
    """The checksum of a content: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""
    mask = (1 << 64) - 1
    primes = (
        0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)

    def rotated(number: int, count: int) -> int:
        number &= mask
        return (number << count | number >> 64 - count) & mask

    def round_of(lane: int, word: int) -> int:
        return rotated(lane + word * primes[1], 31) * primes[0] & mask

    def words(start: int, end: int, length: int) -> list[int]:
        return [int.from_bytes(data[place : place + length], "little") for place in range(start, end, length)]

    result, place = primes[4], len(data) // 32 * 32
    if place:
        lanes = [primes[0] + primes[1], primes[1], 0, -primes[0]]
        for index, word in enumerate(words(0, place, 8)):
            lanes[index % 4] = round_of(lanes[index % 4], word)
        result = sum(rotated(lane, count) for lane, count in zip(lanes, (1, 7, 12, 18)))
        for lane in lanes:
            result = (result ^ round_of(0, lane)) * primes[0] + primes[3] & mask
    result += len(data)
    end = len(data) // 8 * 8
    for word in words(place, end, 8):
        result = rotated(result & mask ^ round_of(0, word), 27) * primes[0] + primes[3]
    if len(data) - end >= 4:
        (word,) = words(end, end + 4, 4)
        result = rotated(result & mask ^ word * primes[0] & mask, 23) * primes[1] + primes[2]
        end += 4
    for byte in data[end:]:
        result = rotated(result & mask ^ byte * primes[4] & mask, 11) * primes[0]
    result &= mask
    result = (result ^ result >> 33) * primes[1] & mask
    result = (result ^ result >> 29) * primes[2] & mask
    return result ^ result >> 32
