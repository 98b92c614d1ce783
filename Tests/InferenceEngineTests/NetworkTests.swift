import Core
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

/// The engine's arithmetic, compared with the same formulas in Double and between backends.
@Suite struct NetworkTests {
    struct Shape: Sendable {
        var cell: Cell
        var layers: Int
        var hiddenSize: Int
        var weights = ElementType.float32
    }

    static let shapes = Cell.allCases.flatMap { cell in
        (1...3).flatMap { layers in
            [1, 5, 16, 33, 64].map { Shape(cell: cell, layers: layers, hiddenSize: $0) }
        }
            + [ElementType.bfloat16, .int8, .int4].flatMap { weights in
                [5, 33, 70].map { Shape(cell: cell, layers: 2, hiddenSize: $0, weights: weights) }
            }
    }

    private func symbols(_ count: Int, of model: Model) -> [Int] {
        (0..<count).map { ($0 * $0 + 3 * $0) % model.shape.vocabularySize }
    }

    @Test("Logits equal those of the formulas in Double within 1e-5", arguments: shapes)
    func reference(_ shape: Shape) throws {
        // Small enough that differences decay: an integer that rounds to the other side of a half
        // causes one.
        let range: Float = shape.hiddenSize > 64 ? 0.15 : 0.4
        let bytes = try randomModel(
            shape.cell, layers: shape.layers, hiddenSize: shape.hiddenSize, hasEndOfDocument: false, range: range,
            weights: shape.weights)
        let session = try session(bytes)
        var reference = try ReferenceNetwork(bytes)
        for symbol in symbols(30, of: session.model) {
            session.feed(symbol: symbol)
            reference.advance(symbol)
            let largest = session.withLogits { logits in
                zip(logits, reference.logits).map { abs(Double($0) - $1) }.max() ?? .nan
            }
            #expect(largest <= 1e-5)
        }
    }

    @Test("Every backend gives the same logits, bit for bit, and the same text", arguments: shapes)
    func backends(_ shape: Shape) throws {
        let bytes = try randomModel(
            shape.cell, layers: shape.layers, hiddenSize: shape.hiddenSize, weights: shape.weights)
        let results = try Backend.available.map { backend in
            let session = try session(bytes, backend: backend, seed: 9)
            #expect("\(session.model.backend.name)" == "\(backend.name)")
            let logits = symbols(20, of: session.model).flatMap { symbol in
                session.feed(symbol: symbol)
                return session.logitBits
            }
            return (logits, session.text(100))
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }
}
