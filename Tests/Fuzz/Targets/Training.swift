import Foundation
import Training

/// A file without a name.
private struct InputFile {
    private let descriptor = tmpfile().map { fileno($0) } ?? -1
    var path: String { "/proc/self/fd/\(descriptor)" }

    func write(_ bytes: UnsafeRawBufferPointer) {
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count else {
            fatalError("the input cannot be written")
        }
    }
}

/// The file that every input of this process is written to.
private let file = InputFile()
/// The file of the vocabulary of ``fuzzImport(_:_:)``.
private let vocabularyFile = InputFile()

/// Reads a checkpoint, as a training that starts from it does.
@_cdecl("fuzz_checkpoint")
public func fuzzCheckpoint(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    file.write(UnsafeRawBufferPointer(start: start, count: count))
    _ = try? InitialModel(path: file.path)
}

/// Imports a network. The first byte is the length of the vocabulary, which the weights follow.
@_cdecl("fuzz_import")
public func fuzzImport(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    guard let length = start?.pointee else { return }
    let bytes = UnsafeRawBufferPointer(start: start, count: count).dropFirst()
    vocabularyFile.write(UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(length))))
    file.write(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Int(length))))
    let network = try? ImportedNetwork(weights: file.path, vocabulary: vocabularyFile.path)
    _ = try? network?.model.modelFile()
}

/// Reads a text, CSV or JSON Lines. The first byte chooses what and how.
@_cdecl("fuzz_corpus")
public func fuzzCorpus(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    guard let choice = start?.pointee else { return }
    let bytes = UnsafeRawBufferPointer(start: start, count: count).dropFirst()
    // Compressed files are read by other programs.
    let magics: [[UInt8]] = [[0x1F, 0x8B], [0x28, 0xB5], [0xFD, 0x37], [0x42, 0x5A]]
    guard !magics.contains(where: { bytes.starts(with: $0) }) else { return }
    file.write(UnsafeRawBufferPointer(rebasing: bytes))
    var source = CorpusSource(paths: [file.path])
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
