import Foundation
import Training

/// A file without a name, which every input of this process is written to.
private let file = tmpfile().map { fileno($0) } ?? -1
private let path = "/proc/self/fd/\(file)"

private func write(_ bytes: UnsafeRawBufferPointer) {
    guard ftruncate(file, 0) == 0, pwrite(file, bytes.baseAddress, bytes.count, 0) == bytes.count else {
        fatalError("the input cannot be written")
    }
}

/// Reads a checkpoint, as a training that starts from it does.
@_cdecl("fuzz_checkpoint")
public func fuzzCheckpoint(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    write(UnsafeRawBufferPointer(start: start, count: count))
    _ = try? InitialModel(path: path)
}

/// Reads a text, CSV or JSON Lines. The first byte chooses what and how.
@_cdecl("fuzz_corpus")
public func fuzzCorpus(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    guard let choice = start?.pointee else { return }
    let bytes = UnsafeRawBufferPointer(start: start, count: count).dropFirst()
    // Compressed files are read by other programs.
    let magics: [[UInt8]] = [[0x1F, 0x8B], [0x28, 0xB5], [0xFD, 0x37], [0x42, 0x5A]]
    guard !magics.contains(where: { bytes.starts(with: $0) }) else { return }
    write(UnsafeRawBufferPointer(rebasing: bytes))
    var source = CorpusSource(paths: [path])
    switch choice & 7 {
    case 0: break
    case 1: source.documents = .line
    case 2: source.documents = .paragraph
    case 3: source.separator = "---"
    case 4: source.csv = .allButFirst
    case 5: source.csv = try? CSVColumns("text,2")
    case 6: source.json = "text"
    default: source.json = "a.b"
    }
    if choice & 0x08 != 0 { source.isLenient = true }
    if choice & 0x10 != 0 { source.lowercase = true }
    if choice & 0x20 != 0 { source.minimumCount = 2 }
    if choice & 0x40 != 0 { source.normalization = .nfc }
    guard let corpus = try? Corpus(reading: source) else { return }
    _ = CorpusReport(corpus)
}
