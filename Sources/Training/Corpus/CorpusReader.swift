import Core
import ModelFormat

/// Reads the files of a corpus, once and in order, one open at a time.
struct CorpusReader {
    private let source: CorpusSource
    private let transform: TextTransform?
    private let learnsVocabulary: Bool
    private var splitter: DocumentSplitter
    private var labels: LabelEncoder?
    private var tally = ByteTally()
    private var notes = CorpusNotes()
    /// The line of the current file, from 1, where the bytes not yet consumed begin.
    private var line = 1

    /// Reads all of `source`.
    ///
    /// - Parameters:
    ///   - vocabulary: The only characters that the text may have; nil to learn them.
    ///   - labels: The only labels that documents may have; nil to learn them.
    ///   - unknown: What to do with a character that the vocabulary lacks.
    ///   - cache: Takes the symbols of a large text, and gives them the next time.
    static func read(
        _ source: CorpusSource, vocabulary: Vocabulary?, labels: Labels? = nil,
        unknown: UnknownCharacterPolicy = .fail, cache: CorpusCache? = nil
    ) throws -> Corpus {
        let paths = try FileList.paths(of: source)
        let stamp = try cache?.stamp(source, paths)
        if let stamp, let corpus = cache?.corpus(stamp: stamp) { return corpus }
        var reader = CorpusReader(source, paths, vocabulary: vocabulary, unknown: unknown, cache: cache)
        reader.labels = source.labels.map { LabelEncoder($0, fixed: labels) }
        for path in paths { try reader.read(path) }
        let result = try reader.splitter.encoder.finish()
        guard result.documentCount > 0 else { throw CorpusError.empty(files: paths) }
        var notes = reader.notes
        notes.fileCount = paths.count
        notes.byteCount = reader.tally.count
        notes.lineEnds = reader.tally.lineEnds
        if reader.learnsVocabulary { notes.firstPlaces = result.order.map { reader.notes.firstPlaces[$0] } }
        let corpus = Corpus(
            symbols: result.symbols, vocabulary: result.vocabulary, documentCount: result.documentCount,
            unknownCount: result.unknownCount, differentUnknownCount: result.differentUnknownCount,
            sha256: reader.tally.hexadecimalDigest(), notes: notes, labels: try reader.labels(of: result, files: paths))
        try cache?.complete(corpus, stamp: stamp)
        return corpus
    }

    private init(
        _ source: CorpusSource, _ paths: [String], vocabulary: Vocabulary?, unknown: UnknownCharacterPolicy,
        cache: CorpusCache?
    ) {
        self.source = source
        transform = TextTransform(source)
        learnsVocabulary = vocabulary == nil
        // Room for a symbol a byte: memory that stays unused costs nothing. Above the limit, where
        // the size that the system gives may be wrong, the buffer grows.
        let limit = cache?.smallest ?? 1 << 32
        let size = paths.reduce(0) { $0 + min(InputFile.size(of: $1), limit) }
        let encoder = SymbolEncoder(
            vocabulary: vocabulary, unknown: unknown, minimumCount: source.minimumCount ?? 1,
            capacity: min(size, limit), cache: cache)
        splitter = DocumentSplitter(source.documents, separator: source.separator, encoder: encoder)
    }

    /// The labels of the documents that have been read; nil without labels.
    private func labels(of result: SymbolEncoder.Result, files: [String]) throws -> DocumentLabels? {
        guard let labels else { return nil }
        guard let documents = labels.finish(result.documentLabels, starts: result.documentStarts),
            result.vocabulary.hasEndOfDocument
        else { throw CorpusError.noLabels(files: files) }
        return documents
    }

    private mutating func read(_ path: String) throws {
        line = 1
        let places = source.labels?.columns.map(\.place) ?? []
        if let columns = source.csv {
            try readRecords(
                CSVReader(columns: columns, labels: places, delimiter: source.delimiter, path: path), path)
        } else if let field = source.json {
            try readRecords(JSONLinesReader(field: field, labels: places, path: path), path)
        } else {
            try setLabels(places.map { LabelSource.label(ofFile: path, $0) }, path: path, line: 1)
            try readChunks(path) { reader, bytes, offset, isLast in
                try reader.appendText(bytes, offset: offset, isLast: isLast, path: path)
            }
        }
        tally.endFile()
    }

    /// Passes a file through `body`, and refuses text of two or four bytes a character.
    private mutating func readChunks(
        _ path: String,
        _ body: (inout CorpusReader, _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ isLast: Bool) throws -> Int
    ) throws {
        // A copy, because `body` changes the reader.
        var tally = tally
        try InputFile.open(path: path).readChunks(tally: &tally) { bytes, offset, isLast in
            if offset == 0, let encoding = WideEncoding(beginning: bytes) {
                throw CorpusError.wideEncoding(file: path, encoding)
            }
            let consumed = try body(&self, bytes, offset, isLast)
            try splitter.encoder.spillIfLarge()
            return consumed
        }
        self.tally = tally
    }

    // MARK: - Plain text

    private mutating func appendText(
        _ bytes: UnsafeRawBufferPointer, offset: Int, isLast: Bool, path: String
    ) throws -> Int {
        let consumed =
            try transform.map { try appendTransformed(bytes, $0, offset: offset, isLast: isLast, path: path) }
            ?? append(bytes, offset: offset, path: path) { .offset(offset + $0) }
        guard isLast else { return consumed }
        guard consumed == bytes.count else { throw CorpusError.notUTF8(file: path, offset: offset + consumed) }
        do throws(SymbolEncoder.Failure) {
            try splitter.endFile()
        } catch {
            // The characters held back end with the last byte.
            throw CorpusError(error, file: path, place: .offset(offset + consumed - 1))
        }
        if learnsVocabulary, splitter.encoder.symbolCount > notes.firstPlaces.count { notePlaces(path, line) }
        return consumed
    }

    /// Transforms and encodes the characters that can be transformed by themselves, and returns the
    /// number of their bytes.
    private mutating func appendTransformed(
        _ bytes: UnsafeRawBufferPointer, _ transform: TextTransform, offset: Int, isLast: Bool, path: String
    ) throws -> Int {
        let end = isLast ? bytes.count : transform.border(in: bytes)
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        try checkUTF8(piece, offset: offset, path: path)
        let start = line
        let transformed = Array(transform.apply(String(decoding: piece, as: UTF8.self)).utf8)
        _ = try transformed.withUnsafeBytes { text in
            // Line feeds are the same before and after.
            try append(text, offset: offset, path: path) { .line(start + lineFeeds(in: text[..<$0])) }
        }
        return end
    }

    /// Encodes the characters that are complete, and returns the number of their bytes.
    ///
    /// - Parameter place: The place of a position in `bytes`, for errors.
    private mutating func append(
        _ bytes: UnsafeRawBufferPointer, offset: Int, path: String, place: (Int) -> CorpusError.Place
    ) throws(CorpusError) -> Int {
        var position = 0
        // The position whose line is `line`.
        var counted = 0
        reading: while true {
            position += splitter.appendRun(of: .init(rebasing: bytes[position...]))
            guard position < bytes.count else { break }
            switch decodeUTF8(bytes, at: position) {
            case .scalar(let scalar, let length):
                let isByteOrderMark = scalar == 0xFEFF && offset + position == 0
                do throws(SymbolEncoder.Failure) {
                    if !isByteOrderMark { try splitter.append(scalar) }
                } catch {
                    throw CorpusError(error, file: path, place: place(self.position(of: error, bytes, position)))
                }
                if learnsVocabulary, splitter.encoder.symbolCount > notes.firstPlaces.count {
                    line += lineFeeds(in: bytes[counted..<position])
                    counted = position
                    notePlaces(path, line)
                }
                position += length
            case .invalid: throw .notUTF8(file: path, offset: offset + position)
            case .incomplete: break reading
            }
        }
        line += lineFeeds(in: bytes[counted..<position])
        return position
    }

    /// The position of the character that failed at `position`: there, or before it for characters
    /// that were held back.
    private func position(
        of failure: SymbolEncoder.Failure, _ bytes: UnsafeRawBufferPointer, _ position: Int
    ) -> Int {
        guard case .unknownCharacter(let scalar) = failure, scalar < 0x80 else { return position }
        return bytes[...position].lastIndex(of: UInt8(scalar)) ?? position
    }

    /// Records the place of the characters that are new.
    private mutating func notePlaces(_ path: String, _ line: Int) {
        let new = splitter.encoder.symbolCount - notes.firstPlaces.count
        notes.firstPlaces += repeatElement(.init(file: path, line: line), count: new)
    }

    // MARK: - Records

    private mutating func readRecords(_ records: some RecordReader, _ path: String) throws {
        var records = records
        let isLenient = source.isLenient ?? false
        var skipped = 0
        var firstSkipped: CorpusError?
        try readChunks(path) { reader, bytes, offset, isLast in
            try records.read(bytes, offset: offset, isLast: isLast) { document, labels, line in
                try reader.setLabels(labels, path: path, line: line)
                try reader.append(document, path: path, line: line)
            } fault: { error in
                guard isLenient else { throw error }
                skipped += 1
                firstSkipped = firstSkipped ?? error
            }
        }
        notes.skippedRecords += skipped
        notes.firstSkipped = notes.firstSkipped ?? firstSkipped
        guard let header = records.header else { return }
        notes.header = notes.header ?? header
        notes.headerCount += 1
    }

    /// Has the documents that begin next have these labels.
    private mutating func setLabels(_ values: [String], path: String, line: Int) throws(CorpusError) {
        do throws(LabelEncoder.Failure) {
            splitter.encoder.labels = try labels?.numbers(of: values) ?? []
        } catch {
            switch error {
            case .unknown(let label, let column): throw .unknownLabel(label, column: column, file: path, line: line)
            case .invalid(let label): throw .invalidLabel(label, file: path, line: line)
            case .tooMany: throw .tooManyLabels(file: path, line: line)
            }
        }
    }

    private mutating func append(_ document: String, path: String, line: Int) throws(CorpusError) {
        let document = transform?.apply(document) ?? document
        do throws(SymbolEncoder.Failure) {
            for scalar in document.unicodeScalars { try splitter.encoder.append(scalar.value) }
        } catch {
            throw CorpusError(error, file: path, place: .line(line))
        }
        splitter.encoder.endDocument()
        if learnsVocabulary, splitter.encoder.symbolCount > notes.firstPlaces.count { notePlaces(path, line) }
    }
}

private func lineFeeds(in bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    bytes.count { $0 == UInt8(ascii: "\n") }
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
