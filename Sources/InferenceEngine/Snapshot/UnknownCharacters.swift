import Core
import ModelFormat

extension SnapshotWriter {
    mutating func write(_ policy: Session.UnknownCharacterPolicy) {
        switch policy {
        case .fail: write(0 as UInt8)
        case .skip: write(1 as UInt8)
        case .replace(let character):
            write(2 as UInt8)
            write(character.value)
        case .nearest: write(3 as UInt8)
        }
    }
}

extension SnapshotReader {
    /// - Throws: `invalidSnapshot`, also for a character that the vocabulary lacks.
    mutating func readPolicy(_ vocabulary: Vocabulary) throws(ChargenError) -> Session.UnknownCharacterPolicy {
        switch try read(UInt8.self) {
        case 0: return .fail
        case 1: return .skip
        case 2:
            let value = try read(UInt32.self)
            guard vocabulary.symbol(of: value) != nil, let character = Unicode.Scalar(value) else { break }
            return .replace(character)
        case 3: return .nearest
        default: break
        }
        throw SnapshotReader.outsideRange
    }
}

extension UnfinishedCharacter {
    func write(_ writer: inout SnapshotWriter) {
        writer.write(UInt8(count))
        withBytes { for byte in $0 { writer.write(byte) } }
    }

    /// - Throws: `invalidSnapshot`, also for bytes that do not begin a character.
    init(_ reader: inout SnapshotReader) throws(ChargenError) {
        let count = Int(try reader.read(UInt8.self))
        let bytes = try reader.take(count)
        self.init(endOf: bytes)
        guard self.count == count else { throw SnapshotReader.fault("a character that is not UTF-8") }
    }
}
