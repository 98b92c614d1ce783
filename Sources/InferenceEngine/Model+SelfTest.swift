import Core
import ModelFormat

extension Model {
    /// Checks that the model computes here what it computed when it was exported: runs the
    /// self-test that its file has.
    ///
    /// - Returns: Whether the file has one. Without it, the check is that the model's output does
    ///   not overflow.
    /// - Throws: `invalidModel` if the text or the logits are others, or the output overflows;
    ///   `outOfMemory`.
    /// - Complexity: That of some 150 characters.
    public func verify() throws(ChargenError) -> Bool {
        let text = UnsafeRawBufferPointer(UnsafeBufferPointer(provenanceText.elements))
        let stored = try SelfTest(provenance: UnsafeRawBufferPointer(rebasing: text.dropLast()))
        let test = stored ?? SelfTest(for: vocabulary)
        let result = try result(of: test)
        guard stored == nil || result.isAsExpected(test.result) else {
            throw ChargenError(
                .invalidModel,
                "the self-test fails: the model computes other numbers here than when it was exported; restore the "
                    + "default floating-point mode, or try CHARGEN_BACKEND=portable")
        }
        return stored != nil
    }

    /// What comes of a test.
    ///
    /// - Throws: `invalidModel` if its output overflows, or it does not know the prompt or the
    ///   temperature; `outOfMemory`.
    package func result(of test: SelfTest) throws(ChargenError) -> SelfTest.Result {
        let session = try Session(self)
        let generated = try AlignedBuffer<UInt32>(count: test.length, for: "the self-test")
        do {
            session.seed = test.seed
            try session.setTemperature(test.temperature)
            try test.prompt.withUnsafeBufferPointer { (prompt) throws(ChargenError) in
                try session.feed(UnsafeRawBufferPointer(prompt))
            }
        } catch {
            throw ChargenError(
                error.kind == .outOfMemory ? error.kind : .invalidModel, "the self-test: " + error.message)
        }
        for index in 0..<test.length {
            _ = try finiteLogits(session)
            generated.pointer[index] = (session.next()?.value ?? 0xFFFF_FFFF).littleEndian
        }
        let result = SelfTest.Result(
            text: UnsafeRawBufferPointer(generated.elements), logits: UnsafeRawBufferPointer(try finiteLogits(session)))
        try checkMemory()
        return result
    }

    private func finiteLogits(_ session: Session) throws(ChargenError) -> UnsafeBufferPointer<Float> {
        let logits = session.currentLogits()
        for logit in logits where !logit.isFinite {
            throw ChargenError(
                .invalidModel, "the model's output overflows; export another checkpoint, or train at a lower rate")
        }
        return logits
    }
}
