import InferenceEngine
import TestSupport

/// The model of the snapshots and patterns.
let fixedModel = makeFixedModel()

private func makeFixedModel() -> Model? {
    let bytes = try? randomModel(
        .gru, layers: 1, hiddenSize: 8, characters: "abcdé中😀 -019\n", hasUnknown: true,
        labels: [.init(name: "class", labels: ["a", "b", "é"]), .init(name: "kind", labels: ["b", "long"])])
    guard let bytes else { return nil }
    return bytes.withUnsafeBytes { try? Model(bytes: $0) }
}

/// Restores a session from a snapshot, whose checksum and model are mended, and goes on with it.
@_cdecl("fuzz_snapshot")
public func fuzzSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    guard let model = fixedModel else { fatalError("the model is not one") }
    var bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if bytes.count >= 20, let empty = try? Session(model).snapshot() {
        // Signature, version and model.
        bytes.replaceSubrange(..<16, with: empty[..<16])
        bytes.set(checksum(bytes.dropLast(4)), at: bytes.count - 4)
    }
    guard let session = try? Session(restoring: bytes, model: model) else { return }
    session.generate(limit: 20) { _ in true }
    try? session.feed("ab中")
    guard let again = try? session.snapshot() else { fatalError("a restored session has no snapshot") }
    guard let copy = try? Session(restoring: again, model: model) else {
        fatalError("a restored session's snapshot is refused")
    }
    guard session.generate(limit: 20) == copy.generate(limit: 20) else {
        fatalError("a restored session goes on otherwise")
    }
    for each in [session, copy] {
        try? each.setLabel(1, column: 1)
        each.reset()
    }
    guard session.generate(limit: 5) == copy.generate(limit: 5) else {
        fatalError("a restored session's documents begin otherwise")
    }
}
