import CAPI
import CChargen
import Foundation
import Testing

@Suite("Threads")
struct ThreadTests {
    /// Runs `body` once on a thread of its own and waits for it.
    private func onThread(_ body: @escaping @Sendable () -> Void) {
        let finished = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            body()
            finished.signal()
        }
        finished.wait()
    }

    @Test("Threads that share a model, each with a session of its own, get the same text")
    func sharedModel() throws {
        let model = try CModel()
        let expected = CSession(model).symbols(500)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            #expect(CSession(model).symbols(500) == expected)
        }
    }

    @Test("Threads may load, use and free models at the same time")
    func loading() {
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            let model = try? CModel(hasEndOfDocument: index % 2 == 0)
            #expect(model.map { chargen_model_has_end_of_document($0.handle) } == (index % 2 == 0 ? 1 : 0))
        }
    }

    @Test("A session may move to another thread")
    func movingSession() throws {
        let model = try CModel()
        let expected = CSession(model).symbols(20)
        let session = CSession(model)
        let first = session.symbols(10)
        onThread { #expect(first + session.symbols(10) == expected) }
    }

    @Test("Each thread has the message of its own last failure, empty at first")
    func messages() {
        onThread {
            #expect(errorMessage().isEmpty)
            #expect(chargen_session_reset(nil) == CHARGEN_INVALID_ARGUMENT)
            let message = errorMessage()
            onThread {
                #expect(errorMessage().isEmpty)
                #expect(chargen_session_create(nil, nil) == CHARGEN_INVALID_ARGUMENT)
                #expect(errorMessage() != message)
            }
            #expect(errorMessage() == message)
        }
    }
}
