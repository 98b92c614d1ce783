import Core
import ModelFormat

/// Reads the files of a corpus, once and in order.
struct CorpusReader {
    private var splitter: DocumentSplitter

    /// Reads all of `source`.
    ///
    /// - Parameters:
    ///   - vocabulary: The only characters that the text may have; nil to learn them.
    ///   - unknown: What to do with a character that the vocabulary lacks.
    static func read(
        _ source: CorpusSource, vocabulary: Vocabulary?, unknown: UnknownCharacterPolicy = .fail
    ) throws -> Corpus {
        var reader = CorpusReader(source, vocabulary: vocabulary, unknown: unknown)
        var hash = SHA256()
        for path in source.paths {
            if let columns = source.csv {
                try reader.readCSV(path, columns: columns, hash: &hash)
            } else {
                try reader.readText(path, hash: &hash)
            }
        }
        let (symbols, learned, documentCount) = reader.splitter.encoder.finish()
        guard documentCount > 0 else { throw CorpusError.empty(files: source.paths) }
        return Corpus(
            symbols: symbols, vocabulary: learned, documentCount: documentCount,
            unknownCount: reader.splitter.encoder.unknownCount, sha256: hash.hexadecimalDigest())
    }

    private init(_ source: CorpusSource, vocabulary: Vocabulary?, unknown: UnknownCharacterPolicy) {
        // Room for a symbol a byte: memory that stays unused costs nothing. Above the limit, where
        // the size that the system gives may be wrong, the buffer grows.
        let size = source.paths.reduce(0) { $0 + min(InputFile.size(of: $1), 1 << 32) }
        let encoder = SymbolEncoder(vocabulary: vocabulary, unknown: unknown, capacity: min(size, 1 << 32))
        splitter = DocumentSplitter(source.documents, encoder: encoder)
    }

    private mutating func readText(_ path: String, hash: inout SHA256) throws {
        let file = try InputFile(path: path)
        try file.readChunks(hash: &hash) { bytes, offset, isLast in
            let consumed = try append(bytes, offset: offset, path: path)
            guard isLast else { return consumed }
            guard consumed == bytes.count else { throw CorpusError.notUTF8(file: path, offset: offset + consumed) }
            do throws(SymbolEncoder.Failure) {
                try splitter.endFile()
            } catch {
                // The characters held back end with a carriage return, the last byte.
                throw CorpusError(error, file: path, place: .offset(offset + consumed - 1))
            }
            return consumed
        }
    }

    /// Encodes the characters that are complete, and returns the number of their bytes.
    private mutating func append(
        _ bytes: UnsafeRawBufferPointer, offset: Int, path: String
    ) throws(CorpusError) -> Int {
        var position = 0
        while true {
            position += splitter.appendRun(of: .init(rebasing: bytes[position...]))
            guard position < bytes.count else { return position }
            switch decodeUTF8(bytes, at: position) {
            case .scalar(let scalar, let length):
                let isByteOrderMark = scalar == 0xFEFF && offset + position == 0
                do throws(SymbolEncoder.Failure) {
                    if !isByteOrderMark { try splitter.append(scalar) }
                } catch {
                    throw CorpusError(error, file: path, place: .offset(offset + place(of: error, bytes, position)))
                }
                position += length
            case .invalid: throw .notUTF8(file: path, offset: offset + position)
            case .incomplete: return position
            }
        }
    }

    /// The position of the character that failed at `position`: there, or before it for white space
    /// that was held back.
    private func place(
        of failure: SymbolEncoder.Failure, _ bytes: UnsafeRawBufferPointer, _ position: Int
    ) -> Int {
        guard case .unknownCharacter(let scalar) = failure, scalar < 0x80 else { return position }
        return bytes[...position].lastIndex(of: UInt8(scalar)) ?? position
    }

    private mutating func readCSV(_ path: String, columns: CSVColumns, hash: inout SHA256) throws {
        let file = try InputFile(path: path)
        var reader = CSVReader(columns: columns, path: path)
        try file.readChunks(hash: &hash) { bytes, offset, isLast in
            try reader.read(bytes, offset: offset, isLast: isLast) { document, row in
                do throws(SymbolEncoder.Failure) {
                    for scalar in document.unicodeScalars { try splitter.encoder.append(scalar.value) }
                } catch {
                    throw CorpusError(error, file: path, place: .row(row))
                }
                splitter.encoder.endDocument()
            }
        }
    }
}

extension CorpusError {
    fileprivate init(_ failure: SymbolEncoder.Failure, file: String, place: Place) {
        switch failure {
        case .tooManyCharacters: self = .tooManyCharacters(file: file, place: place)
        case .unknownCharacter(let scalar):
            self = .unknownCharacter(Unicode.Scalar(scalar) ?? "\u{FFFD}", file: file, place: place)
        case .noEndOfDocument: self = .noEndOfDocument(file: file, place: place)
        }
    }
}
