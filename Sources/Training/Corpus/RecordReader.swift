import Core

/// Reads the documents of a file whose rows or lines are records, such as CSV and JSON Lines.
protocol RecordReader {
    /// Reads the records that end in `bytes` and returns the number of their bytes.
    ///
    /// - Parameters:
    ///   - bytes: The bytes not yet read, as from `readChunks`.
    ///   - body: Takes each document, its labels, and the line where its record begins, from 1.
    ///   - fault: Takes what is wrong with a record that cannot be read; unless it throws, the
    ///     record is skipped.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, offset: Int, isLast: Bool,
        document body: (String, [String], Int) throws -> Void, fault: (CorpusError) throws -> Void
    ) throws -> Int

    /// The first row, if it is text although it is probably a header.
    var header: CorpusNotes.Header? { get }
}

extension RecordReader {
    /// The most bytes of a record: what is longer is a file of another kind, or has a quotation
    /// mark that is never closed.
    var maximumRecordLength: Int { 16 << 20 }

    var header: CorpusNotes.Header? { nil }
}

/// Checks that bytes are UTF-8.
///
/// - Parameter offset: Of the first of them in the file.
/// - Throws: ``CorpusError/notUTF8(file:offset:)``.
func checkUTF8(_ bytes: UnsafeRawBufferPointer, offset: Int, path: String) throws {
    var position = 0
    while position < bytes.count {
        guard case .scalar(_, let length) = decodeUTF8(bytes, at: position) else {
            throw CorpusError.notUTF8(file: path, offset: offset + position)
        }
        position += length
    }
}
