import InferenceEngine

/// Compiles a pattern, and generates with it.
@_cdecl("fuzz_pattern")
public func fuzzPattern(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    guard let model = fixedModel else { fatalError("the model is not one") }
    let text = UnsafeRawBufferPointer(start: start, count: count)
    guard let pattern = try? Pattern(text, for: model), let session = try? Session(model) else { return }
    try? session.setPattern(pattern)
    session.generate(limit: 20) { _ in true }
    try? session.setMaximumLength(5)
    session.generate(limit: 20) { _ in true }
    guard let snapshot = try? session.snapshot(), let copy = try? Session(restoring: snapshot, model: model),
        session.generate(limit: 20) == copy.generate(limit: 20)
    else { fatalError("a session with the pattern is not restored") }
}
