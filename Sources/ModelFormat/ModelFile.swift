import Core

/// A `.cgw` file's header, read and checked; its tensors are read one by one.
///
/// The bytes are borrowed: they must stay valid while the value is used. Whatever they hold,
/// reading gives a value or an error: every count and length is checked against the file's size and
/// a fixed limit before it is used.
public struct ModelFile {
    /// The sizes of the model.
    public let shape: ModelShape
    /// The characters the model knows.
    public let vocabulary: Vocabulary
    /// The labels of documents; nil for a model without them.
    public let labels: Labels?
    /// The origin of the model: the JSON object that the trainer wrote. Checked to be UTF-8, not to
    /// be JSON.
    public let provenanceBytes: UnsafeRawBufferPointer
    /// The place of each tensor's compressed bytes.
    public let tensors: [TensorEntry]

    /// A tensor's place in the file.
    public struct TensorEntry: Sendable {
        /// Its byte offset from the start of the file.
        public let offset: Int
        /// The bytes of its zstd frame.
        public let compressedLength: Int
        let elementType: ElementType
        let checksum: UInt32
    }

    /// ``provenanceBytes`` as a string.
    public var provenance: String { String(decoding: provenanceBytes, as: UTF8.self) }

    /// The checksum of the header, which has those of all tensors: another one for another file.
    public let checksum: UInt32

    let bytes: UnsafeRawBufferPointer
    let crc = CRC32()

    /// Reads the header of a file that is wholly in memory.
    ///
    /// - Throws: `invalidModel` or `unsupportedVersion`, with the fault and its byte offset.
    public init(_ bytes: UnsafeRawBufferPointer) throws(ChargenError) {
        self.bytes = bytes
        var reader = try HeaderReader(bytes, isWhole: true, crc: crc)
        checksum = reader.checksum
        var shape = try reader.readShape()
        vocabulary = try reader.readVocabulary()
        labels = try reader.readLabels()
        shape.labelCount = labels?.count ?? 0
        self.shape = shape
        provenanceBytes = try reader.readProvenance()
        tensors = try reader.readTensorEntries(of: shape)
    }

    /// Whether `bytes` begin as every `.cgw` file does.
    public static func hasSignature(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let magic = FileLayout.magic
        guard bytes.count >= magic.count else { return false }
        for index in 0..<magic.count where bytes[index] != magic[index] { return false }
        return true
    }

    /// The number of bytes that are needed of a file that begins with `bytes`, as far as these
    /// tell: those of the header, then all of the file and one more, which a model does not have.
    /// If no more are needed, ``init(_:)`` decides.
    ///
    /// - Throws: What ``init(_:)`` throws for a header that is wrong.
    static func neededLength(_ bytes: UnsafeRawBufferPointer) throws(ChargenError) -> Int {
        guard hasSignature(bytes), bytes.count >= FileLayout.fixedLength else { return bytes.count }
        var reader = try HeaderReader(bytes, isWhole: false, crc: CRC32())
        guard reader.isComplete else { return reader.length }
        var shape = try reader.readShape()
        _ = try reader.readVocabulary()
        shape.labelCount = try reader.readLabels()?.count ?? 0
        _ = try reader.readProvenance()
        _ = try reader.readTensorEntries(of: shape)
        return reader.fileLength + 1
    }
}

/// The error of a damaged file: the fault and its byte offset.
func invalidModel(_ what: String, at offset: Int) -> ChargenError {
    ChargenError(.invalidModel, "invalid model file: \(what) (at byte \(offset)); export or copy the file again")
}

/// Reads the header's fields in order, and checks each before it is used.
private struct HeaderReader {
    private let bytes: UnsafeRawBufferPointer
    /// The lengths of the file and of the header, as the fixed header says.
    let fileLength: Int
    let length: Int
    /// Whether the bytes have the whole header. Otherwise nothing else can be read.
    var isComplete: Bool { length <= bytes.count }
    private var headerLength: Int { length - FileLayout.checksumLength }
    private(set) var checksum: UInt32 = 0
    private var offset = FileLayout.fixedLength

    /// - Parameter isWhole: Whether `bytes` are the file, rather than its beginning.
    init(_ bytes: UnsafeRawBufferPointer, isWhole: Bool, crc: CRC32) throws(ChargenError) {
        self.bytes = bytes
        guard ModelFile.hasSignature(bytes) else {
            throw ChargenError(.invalidModel, "not a chargen model: the file does not begin with the .cgw signature")
        }
        guard bytes.count >= FileLayout.fixedLength else {
            throw invalidModel("the file ends within the header", at: bytes.count)
        }
        func word(at place: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        }
        let version = word(at: FileLayout.versionOffset)
        guard version == FileLayout.version else {
            throw ChargenError(
                .unsupportedVersion,
                "the model file has format version \(version), this library reads version \(FileLayout.version)")
        }
        let declared = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: FileLayout.fileLengthOffset, as: UInt64.self))
        guard let fileLength = Int(exactly: declared), fileLength < .max, !isWhole || fileLength == bytes.count else {
            // Not all bytes of a longer file may have been read.
            let actual = declared < UInt64(bytes.count) ? "more" : isWhole ? String(bytes.count) : "fewer"
            throw invalidModel(
                "the header says \(declared) bytes, the file has \(actual)", at: FileLayout.fileLengthOffset)
        }
        self.fileLength = fileLength
        length = Int(word(at: FileLayout.headerLengthOffset))
        guard length >= FileLayout.fixedLength + FileLayout.checksumLength, length <= fileLength,
            length <= FileLayout.maximumHeaderLength
        else {
            throw invalidModel("impossible header length \(length)", at: FileLayout.headerLengthOffset)
        }
        guard isComplete else { return }
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<headerLength])
        checksum = crc.checksum(header)
        guard checksum == word(at: headerLength) else {
            throw invalidModel("header checksum mismatch", at: headerLength)
        }
    }

    /// The little-endian 32-bit word at an offset that is known to be within the file.
    private func word(at place: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }

    /// Takes the next `count` bytes of the header.
    private mutating func take(_ count: Int, _ what: StaticString) throws(ChargenError) -> Int {
        guard count <= headerLength - offset else {
            throw invalidModel("the header is too short for its \(what)", at: offset)
        }
        defer { offset += count }
        return offset
    }

    private func word(
        at place: Int, in range: ClosedRange<Int>, _ what: StaticString
    ) throws(ChargenError) -> Int {
        let value = Int(word(at: place))
        guard range.contains(value) else {
            throw invalidModel("\(what) is \(value), not \(range.lowerBound) to \(range.upperBound)", at: place)
        }
        return value
    }

    func readShape() throws(ChargenError) -> ModelShape {
        guard let cell = Cell(rawValue: word(at: FileLayout.cellOffset)) else {
            throw invalidModel("unknown cell \(word(at: FileLayout.cellOffset))", at: FileLayout.cellOffset)
        }
        let limit = ModelShape.maximum
        let layers = try word(at: FileLayout.layersOffset, in: 1...limit.layers, "the number of layers")
        let hidden = try word(at: FileLayout.hiddenSizeOffset, in: 1...limit.hiddenSize, "the hidden size")
        let special = try readSpecialSymbols()
        let count = (special.hasUnknown ? 1 : 0) + (special.endOfDocument > 0 ? 1 : 0)
        let characters = try word(
            at: FileLayout.characterCountOffset, in: 1...limit.vocabularySize - max(count, 1),
            "the number of characters")
        return ModelShape(cell: cell, layers: layers, hiddenSize: hidden, vocabularySize: characters + count)
    }

    private func readSpecialSymbols() throws(ChargenError) -> (hasUnknown: Bool, endOfDocument: UInt32, hasLabels: Bool)
    {
        let field = word(at: FileLayout.specialSymbolsOffset)
        let endOfDocument = field % FileLayout.unknownFlag
        let hasLabels = field & FileLayout.labelsFlag != 0
        // A label's state is where a document begins, so that none is carried into it.
        guard field < 2 * FileLayout.labelsFlag, endOfDocument <= (hasLabels ? 1 : 2) else {
            throw invalidModel(
                "the field of special symbols is \(field), not 0 to 2, 4 to 6, 8, 9, 12 or 13",
                at: FileLayout.specialSymbolsOffset)
        }
        return (field & FileLayout.unknownFlag != 0, endOfDocument, hasLabels)
    }

    mutating func readVocabulary() throws(ChargenError) -> Vocabulary {
        let count = Int(word(at: FileLayout.characterCountOffset))
        let start = try take(4 * count, "vocabulary")
        let characters = (0..<count).map { word(at: start + 4 * $0) }
        let special = try readSpecialSymbols()
        guard
            let vocabulary = Vocabulary(
                characters: characters, hasUnknown: special.hasUnknown, hasEndOfDocument: special.endOfDocument > 0,
                carriesDocuments: special.endOfDocument == 2)
        else {
            throw invalidModel("the vocabulary is not an ascending list of Unicode scalars", at: start)
        }
        return vocabulary
    }

    mutating func readLabels() throws(ChargenError) -> Labels? {
        guard try readSpecialSymbols().hasLabels else { return nil }
        let limit = Labels.maximum
        let start = try take(4, "labels")
        let columns = try word(at: start, in: 1...limit.columns, "the number of label columns")
        let countsStart = try take(4 * (columns + 1), "labels")
        let counts = (0..<columns).map { word(at: countsStart + 4 * $0) }.map { Int($0) }
        let length = try word(
            at: countsStart + 4 * columns, in: 0...limit.textLength, "the length of the labels' names")
        let textStart = try take(length, "labels")
        let text = Array(bytes[textStart..<textStart + length])
        guard let labels = Labels(counts: counts, text: text) else {
            throw invalidModel("the labels are not ascending names in UTF-8 with a NUL after each", at: start)
        }
        return labels
    }

    mutating func readProvenance() throws(ChargenError) -> UnsafeRawBufferPointer {
        let length = try word(
            at: FileLayout.provenanceLengthOffset, in: 0...FileLayout.maximumProvenanceLength, "the provenance's length"
        )
        let start = try take(length, "provenance")
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
        var place = 0
        while place < length {
            guard case .scalar(_, let bytesRead) = decodeUTF8(text, at: place) else {
                throw invalidModel("the provenance is not UTF-8", at: start + place)
            }
            place += bytesRead
        }
        return text
    }

    mutating func readTensorEntries(of shape: ModelShape) throws(ChargenError) -> [ModelFile.TensorEntry] {
        var entries: [ModelFile.TensorEntry] = []
        var size = 0
        // Tensors follow the header without gaps and fill the file, so that a checksum covers every
        // byte.
        var place = headerLength + FileLayout.checksumLength
        let directory = try take(FileLayout.entryLength * shape.tensorCount, "tensor directory")
        guard offset == headerLength else { throw invalidModel("bytes that belong to nothing", at: offset) }
        for index in 0..<shape.tensorCount {
            let start = directory + FileLayout.entryLength * index
            let type = try readElementType(of: shape.tensor(index), at: start)
            if index > ModelShape.firstRecurrentMatrix, shape.tensor(index).isRecurrentMatrix {
                let first = entries[ModelShape.firstRecurrentMatrix].elementType
                guard type == first else {
                    throw invalidModel(
                        "tensor \(shape.tensor(index).name) has element type \(type.rawValue), rnn.weight_hh_l0 has "
                            + "\(first.rawValue)", at: start)
                }
            }
            let payload = type.payloadLength(of: shape.tensor(index))
            size += type.unpackedLength(of: shape.tensor(index))
            let stored = bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
            guard let length = Int(exactly: UInt64(littleEndian: stored)), length <= fileLength - place else {
                throw invalidModel("tensor \(shape.tensor(index).name) reaches beyond the file", at: start + 8)
            }
            guard length <= FileLayout.maximumFrameLength(payload: payload) else {
                throw invalidModel(
                    "tensor \(shape.tensor(index).name) of \(payload) bytes has a frame of \(length)", at: start + 8)
            }
            entries.append(
                .init(
                    offset: place, compressedLength: length, elementType: type, checksum: word(at: start + 4)))
            place += length
        }
        guard place == fileLength else { throw invalidModel("bytes that belong to nothing", at: place) }
        guard size / FileLayout.maximumExpansion < fileLength else {
            throw invalidModel(
                "tensors of \(size) bytes, at least \(FileLayout.maximumExpansion) times the file's length",
                at: FileLayout.layersOffset)
        }
        return entries
    }

    private func readElementType(of tensor: TensorShape, at place: Int) throws(ChargenError) -> ElementType {
        guard let type = ElementType(rawValue: word(at: place)) else {
            throw ChargenError(
                .unsupportedVersion,
                "tensor \(tensor.name) has element type \(word(at: place)), which this library does not know")
        }
        guard type == .float32 || !tensor.isFloat else {
            throw invalidModel("tensor \(tensor.name) has element type \(type.rawValue), it must have 0", at: place)
        }
        return type
    }
}
