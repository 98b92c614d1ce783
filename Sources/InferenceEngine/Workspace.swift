import Core
import ModelFormat

/// The memory in which a session works, apart from what makes its text: several sessions that take
/// turns may share it.
final class Workspace {
    let evaluator: Evaluator
    /// The buffers of hidden states between the front and the back one, when several symbols are
    /// read at once.
    let buffers: AlignedBuffer<UInt8>
    /// What is computed from the logits, padded to whole vectors.
    let probabilities: AlignedBuffer<Float>
    /// The number of threads that work on each character.
    private(set) var threads = 1
    /// The session that the evaluator's logits belong to, and the version of its stream.
    private var logitsOwner: ObjectIdentifier?
    private var logitsVersion = 0

    /// The most symbols that go through the network at once when a text is read.
    private static var blockLength: Int { 16 }

    /// - Throws: `outOfMemory`.
    convenience init(_ model: Model) throws(ChargenError) {
        self.init(
            evaluator: try Evaluator(model, capacity: Workspace.blockLength, threads: 1),
            buffers: try AlignedBuffer(count: (Workspace.blockLength - 1) * model.stateLayout.length, for: "a session"),
            probabilities: try AlignedBuffer(count: padded(model.shape.vocabularySize), for: "a session"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(evaluator: Evaluator, buffers: AlignedBuffer<UInt8>, probabilities: AlignedBuffer<Float>) {
        self.evaluator = evaluator
        self.buffers = buffers
        self.probabilities = probabilities
    }

    /// - Throws: `outOfMemory` when the system refuses a thread; the number is then as before.
    func setThreads(_ count: Int) throws(ChargenError) {
        try evaluator.setThreads(count)
        threads = count
    }

    /// Whether the evaluator has the logits of a session's stream; from now on it has.
    func claimLogits(for session: Session, version: Int) -> Bool {
        let owner = ObjectIdentifier(session)
        if logitsOwner == owner, logitsVersion == version { return true }
        (logitsOwner, logitsVersion) = (owner, version)
        return false
    }

    /// Notes that the evaluator has other logits, or none that count any more.
    func releaseLogits() {
        logitsOwner = nil
    }

    /// The bytes of memory.
    var size: Int {
        evaluator.size + buffers.size + probabilities.size
    }
}
