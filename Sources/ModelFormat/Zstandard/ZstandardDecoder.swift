import CSupport
import Core

/// Decompresses zstd frames: RFC 8878, without dictionaries.
///
/// Tensors are decompressed by this decoder everywhere, so that a file is valid or not whatever
/// version of zstd a system has, and so that the library runs where there is none.
///
/// What was decompressed is the window: a frame needs no memory but that of its content, however
/// large it says its window is.
package final class ZstandardDecoder {
    private let huffmanMemory: AlignedBuffer<UInt16>
    private let stateMemory: AlignedBuffer<FiniteStateEntropy.State>
    private let literalMemory: AlignedBuffer<UInt8>
    private var huffman: HuffmanTable
    /// For descriptions of Huffman codes.
    private var weights: FiniteStateEntropy
    private var sequences: SequenceTables

    /// The largest block.
    private static var blockLimit: Int { 128 << 10 }

    /// - Throws: `outOfMemory`.
    package convenience init() throws(ChargenError) {
        let states = 4 << FiniteStateEntropy.maximumAccuracy
        self.init(
            try AlignedBuffer(count: 1 << HuffmanTable.maximumBits, for: "decompressing the model"),
            try AlignedBuffer(count: states, for: "decompressing the model"),
            try AlignedBuffer(count: ZstandardDecoder.blockLimit, for: "decompressing the model"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        _ huffmanMemory: AlignedBuffer<UInt16>, _ stateMemory: AlignedBuffer<FiniteStateEntropy.State>,
        _ literalMemory: AlignedBuffer<UInt8>
    ) {
        (self.huffmanMemory, self.stateMemory, self.literalMemory) = (huffmanMemory, stateMemory, literalMemory)
        let size = 1 << FiniteStateEntropy.maximumAccuracy
        huffman = HuffmanTable(in: huffmanMemory.pointer)
        weights = FiniteStateEntropy(in: stateMemory.pointer)
        sequences = SequenceTables(
            literalLengths: FiniteStateEntropy(in: stateMemory.pointer + size),
            offsets: FiniteStateEntropy(in: stateMemory.pointer + 2 * size),
            matchLengths: FiniteStateEntropy(in: stateMemory.pointer + 3 * size))
    }

    /// Decompresses a frame of a known content.
    ///
    /// - Returns: Whether `frame` is one frame, whole, valid and without a dictionary, that fills
    ///   `target`.
    /// - Complexity: O(the size of both).
    package func decompress(_ frame: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        guard let input = frame.baseAddress?.assumingMemoryBound(to: UInt8.self),
            let start = target.baseAddress,
            let header = FrameHeader(input, count: frame.count),
            header.contentSize == nil || header.contentSize == UInt64(target.count)
        else { return false }
        huffman.clear()
        sequences.clear()
        let limit = Int(min(header.window, UInt64(ZstandardDecoder.blockLimit)))
        var place = header.length
        var written = 0
        var isLast = false
        while !isLast {
            guard frame.count - place >= 3 else { return false }
            let block = Int(input[place]) | Int(input[place + 1]) << 8 | Int(input[place + 2]) << 16
            let (type, size) = (block >> 1 & 3, block >> 3)
            isLast = block & 1 == 1
            place += 3
            guard size <= limit, type == 1 ? place < frame.count : size <= frame.count - place else { return false }
            switch type {
            case 0:
                guard size <= target.count - written else { return false }
                memcpy(start + written, input + place, size)
                place += size
                written += size
            case 1:
                guard size <= target.count - written else { return false }
                memset(start + written, Int32(input[place]), size)
                place += 1
                written += size
            case 2:
                let room = min(limit, target.count - written)
                guard let length = decode(input + place, size, start, written, room) else { return false }
                place += size
                written += length
            default: return false
            }
        }
        guard written == target.count else { return false }
        guard header.hasChecksum else { return place == frame.count }
        guard frame.count - place == 4 else { return false }
        let checksum = UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        return checksum == UInt32(truncatingIfNeeded: xxHash64(start, count: written))
    }

    /// Decodes a compressed block.
    ///
    /// - Parameters:
    ///   - start: The content so far, `written` bytes.
    ///   - room: The most bytes that the block may have.
    /// - Returns: The bytes that it has; nil if it is invalid.
    private func decode(
        _ block: UnsafePointer<UInt8>, _ size: Int, _ start: UnsafeMutablePointer<UInt8>, _ written: Int, _ room: Int
    ) -> Int? {
        guard let literals = readLiterals(block, size, room) else { return nil }
        let length = sequences.execute(
            block + literals.length, size - literals.length, literals: literals.bytes, literals.count, start, written,
            room)
        return length
    }

    /// The literals of a block, and the length of their section.
    private struct Literals {
        let bytes: UnsafePointer<UInt8>
        let count: Int
        let length: Int
    }

    private func readLiterals(_ block: UnsafePointer<UInt8>, _ size: Int, _ room: Int) -> Literals? {
        guard size > 0 else { return nil }
        var word: UInt64 = 0
        for index in 0..<min(size, 5) { word |= UInt64(block[index]) << UInt64(8 * index) }
        let header = Int(truncatingIfNeeded: word)
        let (type, format) = (header & 3, header >> 2 & 3)
        let memory = literalMemory.pointer
        if type < 2 {
            let (headerLength, count) =
                switch format {
                case 1: (2, header >> 4 & 0xFFF)
                case 3: (3, header >> 4 & 0xFFFFF)
                default: (1, header >> 3 & 0x1F)
                }
            guard count <= room, headerLength + (type == 0 ? count : 1) <= size else { return nil }
            if type == 0 { return Literals(bytes: block + headerLength, count: count, length: headerLength + count) }
            memset(memory, Int32(block[headerLength]), count)
            return Literals(bytes: memory, count: count, length: headerLength + 1)
        }
        let width = UInt64(format == 3 ? 18 : format == 2 ? 14 : 10)
        let headerLength = format == 3 ? 5 : format == 2 ? 4 : 3
        let mask: UInt64 = 1 << width - 1
        let count = Int(word >> 4 & mask)
        var length = Int(word >> (4 + width) & mask)
        guard count > 0, count <= room, headerLength + length <= size else { return nil }
        let end = headerLength + length
        var bytes = block + headerLength
        if type == 2 {
            guard let used = huffman.read(bytes, count: length, scratch: &weights) else { return nil }
            bytes += used
            length -= used
        }
        guard huffman.bits > 0,
            format == 0
                ? huffman.decode(bytes, length: length, into: memory, count: count)
                : huffman.decodeFour(bytes, length: length, into: memory, count: count)
        else { return nil }
        return Literals(bytes: memory, count: count, length: end)
    }
}

/// The header of a frame.
private struct FrameHeader {
    let length: Int
    let window: UInt64
    let contentSize: UInt64?
    let hasChecksum: Bool

    /// - Returns: nil if the bytes do not begin with a frame, or it needs a dictionary.
    init?(_ bytes: UnsafePointer<UInt8>, count: Int) {
        var place = 4
        func number(_ size: Int) -> UInt64? {
            guard size <= count - place else { return nil }
            var number: UInt64 = 0
            for index in 0..<size { number |= UInt64(bytes[place + index]) << UInt64(8 * index) }
            place += size
            return number
        }
        guard count >= 5, bytes[0] == 0x28, bytes[1] == 0xB5, bytes[2] == 0x2F, bytes[3] == 0xFD,
            let descriptor = number(1), descriptor & 8 == 0
        else { return nil }
        let isSingleSegment = descriptor & 0x20 != 0
        hasChecksum = descriptor & 4 != 0
        var window: UInt64 = 0
        if !isSingleSegment {
            // The largest that the zstd command decompresses without being asked to.
            guard let byte = number(1), byte >> 3 <= 17 else { return nil }
            let base: UInt64 = 1 << (10 + byte >> 3)
            window = base + base / 8 * (byte & 7)
        }
        let dictionarySize = [0, 1, 2, 4]
        guard let dictionary = number(dictionarySize[Int(descriptor & 3)]), dictionary == 0 else { return nil }
        switch descriptor >> 6 {
        case 0:
            guard isSingleSegment else {
                contentSize = nil
                break
            }
            guard let size = number(1) else { return nil }
            contentSize = size
        case 1:
            guard let size = number(2) else { return nil }
            contentSize = size + 256
        case 2:
            guard let size = number(4) else { return nil }
            contentSize = size
        default:
            guard let size = number(8) else { return nil }
            contentSize = size
        }
        self.window = isSingleSegment ? contentSize ?? 0 : window
        length = place
    }
}
