import Core
import InferenceEngine
import ModelFormat

/// Loads a model whose checksums and length are mended, and generates with it.
@_cdecl("fuzz_model")
public func fuzzModel(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    var bytes = Array(UnsafeBufferPointer(start: start, count: count))
    mendModel(&bytes)
    bytes.withUnsafeBytes { bytes in
        guard let model = try? Model(bytes: bytes), let session = try? Session(model) else { return }
        _ = try? model.verify()
        session.generate(limit: 8) { _ in true }
        try? session.feed("aé")
        session.generate(limit: 2) { _ in true }
        for column in 0..<model.labelColumnCount {
            try? session.setLabel(model.labelCount(column: column) - 1, column: column)
            _ = try? session.classify("aé", column: column)
        }
        session.reset()
        session.generate(limit: 2) { _ in true }
    }
}

/// Sets a file's length and checksums to what they have to be, as far as its header says where they
/// are.
private func mendModel(_ bytes: inout [UInt8]) {
    guard bytes.count >= 52 else { return }
    bytes.set(UInt64(bytes.count), at: 16)
    let headerLength = Int(bytes.word(at: 12))
    let hasLabels = bytes.word(at: 40) & 8 != 0
    let tensorCount = 4 * min(Int(bytes.word(at: 28)), 64) + (hasLabels ? bytes.word(at: 24) == 2 ? 4 : 3 : 2)
    let directory = headerLength - 4 - 16 * tensorCount
    guard headerLength <= bytes.count, directory >= 48 else { return }
    var place = headerLength
    for entry in stride(from: directory, to: headerLength - 4, by: 16) {
        let length = Int(bytes.word(at: entry + 8))
        guard length <= bytes.count - place else { break }
        bytes.set(checksum(bytes[place..<place + length]), at: entry + 4)
        place += length
    }
    bytes.set(checksum(bytes[..<(headerLength - 4)]), at: headerLength - 4)
}
