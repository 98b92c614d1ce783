import Core
import ModelFormat
import TestSupport
import Testing

@Suite("The self-test in a provenance")
struct SelfTestTests {
    private func read(_ provenance: String) throws(ChargenError) -> SelfTest? {
        let bytes = Array(provenance.utf8)
        return try bytes.withUnsafeBufferPointer { (bytes) throws(ChargenError) in
            try SelfTest(provenance: UnsafeRawBufferPointer(bytes))
        }
    }

    /// A provenance whose self-test has one field replaced.
    private func test(
        prompt: String = #""ab""#, seed: String = "1", temperature: String = "1", length: String = "100",
        checksum: String = #""00000007""#
    ) -> String {
        #"{"selfTest":{"prompt":\#(prompt),"seed":\#(seed),"temperature":\#(temperature),"length":\#(length),"#
            + #""crc32":\#(checksum)}}"#
    }

    @Test(
        "is read as it was written, with any characters",
        arguments: ["abc", "\"\\/\0\t\n\u{1F}\u{7F}é中😀", "\u{10FFFF}"])
    func roundTrip(_ characters: String) throws {
        let scalars = Set(characters.unicodeScalars.map(\.value)).sorted()
        let vocabulary = try #require(Vocabulary(characters: scalars, hasEndOfDocument: true))
        var test = SelfTest(for: vocabulary)
        let numbers: [Float] = [1, 2]
        test.result = numbers.withUnsafeBytes { SelfTest.Result(text: $0, logits: $0) }
        #expect(test.prompt == Array(String(String.UnicodeScalarView(scalars.compactMap { Unicode.Scalar($0) })).utf8))
        for provenance in ["{}", #"{"chargen":"0.2.0"}"#, #"{"a":{"selfTest":{}},"b":"\"selfTest\":{","c":[1,{}]}"#] {
            let added = test.added(to: provenance)
            #expect(try read(added) == test)
            #expect(added.hasPrefix(String(provenance.dropLast())))
        }
    }

    @Test("has characters from all of a large vocabulary")
    func promptOfLargeVocabulary() throws {
        let vocabulary = try #require(Vocabulary(characters: Array(0x4E00..<0x8E00), hasEndOfDocument: false))
        let prompt = Array(String(decoding: SelfTest(for: vocabulary).prompt, as: UTF8.self).unicodeScalars)
        #expect(prompt.count == 32 && prompt[0].value == 0x4E00 && prompt[31].value == 0x8E00 - 0x200)
    }

    @Test(
        "is not there in a provenance without the key, or that is no object",
        arguments: [
            "", "{}", "[]", "null", "{", "{]", #"{"chargen":"1""#, #""selfTest""#, #"{"a":{"selfTest":{"prompt":1}}}"#,
            #"{"a":"{\"selfTest\":{}","b":["selfTest",{"selfTest":1}]}"#, #"{"selftest":1}"#, "\u{0}é", #"{"a"#,
            #"{"a\"#,
            #"{"\u0073elfTest":{}}"#, "{,", "{,}", #"{"a":"#, #"{"a":[[["#, #"{"a":}}"#, #"{"a" "selfTest":{}}"#,
        ])
    func absent(_ provenance: String) throws {
        #expect(try read(provenance) == nil)
    }

    @Test("may have space, further keys and escapes of every kind")
    func spaceAndEscapes() throws {
        let text = """
            { "x" : [ { "y" : "}" } , 1.5e3 , null ] , "selfTest" :\t{ "crc32" : "FFFFffff" ,\r
              "other" : { "seed" : 5 } , "length":4096,"temperature":0.125,"seed":18446744073709551615,
              "prompt":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00é" } , "z" : 1 }
            """
        let test = try #require(try read(text))
        #expect(test.prompt == Array("\"\\/\u{8}\u{C}\n\r\té😀é".utf8))
        #expect(test.seed == .max && test.temperature == 0.125 && test.length == 4096)
        #expect(test.result.text == .max && test.result.logits == nil)
        #expect(try read(self.test(temperature: "0.8"))?.temperature == 0.8)
        #expect(try read(self.test(temperature: "0"))?.temperature == 0)
    }

    @Test("that breaks the specification is refused")
    func malformed() throws {
        let long = "\"" + String(repeating: "a", count: 4097) + "\""
        let hostile = [
            #"{"selfTest":1}"#, #"{"selfTest":{}}"#, #"{"selfTest":"#, #"{"selfTest":{"#, #"{"selfTest":[]}"#,
            test(prompt: "1"), test(prompt: #""a"#), test(prompt: #""\x""#), test(prompt: #""\u12""#),
            test(prompt: #""\uD800""#), test(prompt: #""\uD800\u0041""#), test(prompt: #""\uDC00""#),
            test(prompt: #""\uD83D\"#), test(prompt: long), test(seed: "-1"), test(seed: "1.5"), test(seed: "1e3"),
            test(seed: "18446744073709551616"), test(seed: ""), test(seed: "\"1\""), test(temperature: "-1"),
            test(temperature: "x"), test(temperature: ".5"), test(length: "0"), test(length: "4097"),
            test(length: "18446744073709551615"), test(checksum: #""0000001""#), test(checksum: "null"),
            test(checksum: #""000000001""#), test(checksum: #""0000000g""#), test(checksum: "7"),
            test(checksum: #""00000007"#),
            test(checksum: #""00000007","logits":"7""#), test(checksum: #""00000007","logits":null"#),
        ]
        for provenance in hostile {
            do {
                let found = try read(provenance)
                Issue.record("\(provenance) gives \(String(describing: found))")
            } catch {
                #expect(error.kind == .invalidModel)
            }
        }
    }

    @Test("cut or altered at any byte, it gives a value or an error")
    func damaged() throws {
        var bytes = Array(test(prompt: #""\uD83D\ude00a\"""#).utf8)
        for length in 0...bytes.count { _ = try? read(String(decoding: bytes[..<length], as: UTF8.self)) }
        var random = SplitMix64(seed: 1)
        let strange = Array("\"\\{}[]:,.0u \u{0}".utf8)
        for _ in 0..<20_000 {
            let index = Int(random.next() % UInt64(bytes.count))
            let old = bytes[index]
            bytes[index] = strange[Int(random.next() % UInt64(strange.count))]
            bytes.withUnsafeBytes { bytes in _ = try? SelfTest(provenance: bytes) }
            if random.next() % 4 != 0 { bytes[index] = old }
        }
    }

    @Test("is added to a file without changing anything else of it")
    func replacedProvenance() throws {
        let file = try randomModel(.gru, hasUnknown: true)
        let provenance = #"{"chargen":"é","selfTest":{}}"#
        let changed = try ModelFile.replacingProvenance(of: file, with: provenance)
        try file.withUnsafeBytes { file in
            try changed.withUnsafeBytes { changed in
                let (old, new) = (try ModelFile(file), try ModelFile(changed))
                #expect(new.provenance == provenance && new.shape == old.shape && new.vocabulary == old.vocabulary)
                let (oldTensors, newTensors) = (file[old.tensors[0].offset...], changed[new.tensors[0].offset...])
                #expect(oldTensors.elementsEqual(newTensors))
            }
        }
        #expect(try ModelFile.replacingProvenance(of: changed, with: #"{"chargen":"test"}"#) == file)
        #expect(throws: ChargenError.self) {
            try ModelFile.replacingProvenance(of: file, with: String(repeating: " ", count: 1 << 20 + 1))
        }
    }
}
