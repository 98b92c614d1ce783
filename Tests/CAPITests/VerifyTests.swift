import CAPI
import CChargen
import Core
import Foundation
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport
import Testing

@Suite("Verifying a model")
struct VerifyTests {
    private func verify(_ model: CModel?) -> (chargen_status, hasSelfTest: Int32) {
        // Neither 0 nor 1, to see that it is set.
        var hasSelfTest: Int32 = 7
        let status = withExtendedLifetime(model) { chargen_model_verify(model?.handle, &hasSelfTest) }
        return (status, hasSelfTest)
    }

    /// The CRC-32 of zlib, bit by bit.
    private func checksum(_ characters: [UInt32]) -> UInt32 {
        var crc = UInt32.max
        for character in characters {
            for shift in [0, 8, 16, 24] as [UInt32] {
                crc ^= character >> shift & 0xFF
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            }
        }
        return ~crc
    }

    /// A file with a self-test, made from what the C functions give.
    private func tested(
        _ file: [UInt8], prompt: String, seed: UInt64, temperature: Float, length: Int
    ) throws -> [UInt8] {
        let session = CSession(CModel(file))
        #expect(session.feed(prompt) == CHARGEN_OK)
        #expect(chargen_session_set_seed(session.handle, seed) == CHARGEN_OK)
        #expect(chargen_session_set_temperature(session.handle, temperature) == CHARGEN_OK)
        let checksum = String(format: "%08x", checksum(session.symbols(length)))
        return try ModelFile.replacingProvenance(
            of: file,
            with: """
                {"selfTest":{"crc32":"\(checksum)","length":\(length),"prompt":"\(prompt)","seed":\(seed),\
                "temperature":\(temperature)}}
                """)
    }

    @Test("A self-test passes, on every backend", arguments: Cell.allCases, [ElementType.float32, .int8, .int4])
    func passes(_ cell: Cell, _ weights: ElementType) throws {
        let file = try randomModel(cell, characters: "abcé中😀 ", weights: weights)
        let tests: [(String, UInt64, Float, Int)] = [("", 0, 1, 1), ("aé中😀", .max, 0.8, 300), ("c", 5, 0, 50)]
        for (prompt, seed, temperature, length) in tests {
            let tested = try tested(file, prompt: prompt, seed: seed, temperature: temperature, length: length)
            #expect(verify(CModel(tested)) == (0, 1))
            for backend in Backend.available {
                let passes = try tested.withUnsafeBytes { try Model(bytes: $0, backend: backend).verify() }
                #expect(passes, "\(backend.name)")
            }
        }
    }

    @Test("What the trainer stores is also about the smallest differences, such as those of another rounding")
    func logits() throws {
        let file = try randomModel(.gru)
        let model = try Model(file)
        var test = SelfTest(for: model.vocabulary)
        test.result = try model.result(of: test)
        let tested = CModel(try ModelFile.replacingProvenance(of: file, with: test.added(to: model.provenance)))
        #expect(verify(tested) == (0, 1))
        #if arch(x86_64)
            // Down, up, and towards zero.
            for mode in [0x400, 0x800, 0xC00] as [Int32] {
                let usual = fegetround()
                #expect(fesetround(mode) == 0)
                let result = verify(tested)
                #expect(fesetround(usual) == 0)
                #expect(result == (4, 0))
            }
            #expect(verify(tested) == (0, 1))
        #endif
    }

    @Test("Other weights, another seed or another prompt fail, and the message says what to do")
    func fails() throws {
        let file = try tested(randomModel(.lstm, range: 3), prompt: "abc", seed: 3, temperature: 1, length: 100)
        let text = try file.withUnsafeBytes { try Model(bytes: $0).provenance }
        let changes = [("abc", "abd"), ("seed\":3", "seed\":4"), ("length\":100", "length\":99"), ("1.0", "2.0")]
        for (old, new) in changes {
            let changed = text.replacing(old, with: new)
            #expect(changed != text)
            #expect(verify(CModel(try ModelFile.replacingProvenance(of: file, with: changed))) == (4, 0))
            #expect(errorMessage().contains("the self-test fails"))
            #expect(errorMessage().contains("CHARGEN_BACKEND=portable"))
        }
        let other = try ModelFile.replacingProvenance(of: randomModel(.lstm, range: 3, seed: 2), with: text)
        #expect(verify(CModel(other)) == (4, 0))
    }

    @Test("A malformed self-test, or one with unknown characters, is refused; the model loads")
    func malformed() throws {
        let file = try randomModel(.gru)
        let tests = [
            "1", "{}", #"{"prompt":"é","seed":0,"temperature":1,"length":1,"crc32":"00000001"}"#,
            #"{"prompt":"a","seed":0,"temperature":0.0001,"length":1,"crc32":"00000001"}"#,
        ]
        for test in tests {
            let model = CModel(try ModelFile.replacingProvenance(of: file, with: "{\"selfTest\":\(test)}"))
            #expect(model.handle != nil)
            #expect(verify(model) == (4, 0))
            #expect(errorMessage().contains("self-test"))
        }
    }

    @Test("A file without a self-test verifies, also one whose provenance is not JSON")
    func withoutSelfTest() throws {
        let file = try randomModel(.rnn, hasUnknown: true)
        #expect(verify(CModel(file)) == (0, 0))
        for provenance in ["", "{", "selfTest", "[1]"] {
            #expect(verify(CModel(try ModelFile.replacingProvenance(of: file, with: provenance))) == (0, 0))
        }
    }

    @Test("Weights that make the output overflow are found, with a self-test and without")
    func overflow() throws {
        let file = try randomModel(.rnn, layers: 1, hiddenSize: 40, range: 1e38)
        #expect(verify(CModel(file)) == (4, 0))
        #expect(errorMessage().contains("overflow"))
        let tested = try tested(file, prompt: "", seed: 0, temperature: 1, length: 10)
        #expect(verify(CModel(tested)) == (4, 0))
    }

    @Test("Sessions of the model are not disturbed, and NULL is allowed where the header says so")
    func sideEffects() throws {
        let model = try CModel(.lstm)
        let (session, other) = (CSession(model), CSession(model))
        #expect(session.symbols(5) == other.symbols(5))
        #expect(withExtendedLifetime(model) { chargen_model_verify(model.handle, nil) } == CHARGEN_OK)
        #expect(session.symbols(50) == other.symbols(50))
        #expect(verify(nil) == (1, 0))
    }
}
