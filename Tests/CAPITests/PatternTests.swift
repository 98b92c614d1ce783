import CAPI
import CChargen
import Testing

@Suite("Patterns in C")
struct PatternTests {
    private func make(_ expression: String, _ model: CModel) -> (status: chargen_status, pattern: OpaquePointer?) {
        var pattern: OpaquePointer? = OpaquePointer(bitPattern: 8)
        let status = chargen_pattern_create(model.handle, expression, expression.utf8.count, &pattern)
        return (status, pattern)
    }

    @Test("A session keeps a pattern that is freed, and a pattern its model")
    func freed() throws {
        var model: CModel? = try CModel()
        let (created, pattern) = make("(a|é)b{2}😀", try #require(model))
        #expect(created == CHARGEN_OK)
        let session = CSession(try #require(model))
        model = nil
        #expect(chargen_session_set_pattern(session.handle, pattern) == CHARGEN_OK)
        chargen_pattern_free(pattern)
        #expect(chargen_session_may_end(session.handle) == 0)
        for _ in 0..<10 { #expect(["abb😀", "ébb😀"].contains(session.generate(100))) }
        #expect(chargen_session_ended(session.handle) == 1)
        #expect(chargen_session_set_pattern(session.handle, nil) == CHARGEN_OK)
        #expect(chargen_session_may_end(session.handle) == 1)
    }

    @Test("A fault gives a status, NULL and the place")
    func faults() throws {
        let model = try CModel()
        let (created, pattern) = make("ab(", model)
        #expect(created == CHARGEN_INVALID_PATTERN && pattern == nil)
        #expect(errorMessage().contains("at character 3"))
        #expect(make("x", model).status == CHARGEN_INVALID_PATTERN)
        let bytes: [CChar] = [97, -1]
        var other: OpaquePointer?
        #expect(chargen_pattern_create(model.handle, bytes, 2, &other) == CHARGEN_INVALID_UTF8)
        #expect(chargen_pattern_create(nil, "a", 1, &other) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_pattern_create(model.handle, nil, 1, &other) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_pattern_create(model.handle, "a", 1, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_pattern_create(model.handle, nil, 0, &other) == CHARGEN_OK)
        chargen_pattern_free(other)
        chargen_pattern_free(nil)
        #expect(chargen_session_set_pattern(nil, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(chargen_session_may_end(nil) == 0 && chargen_session_max_length(nil) == 0)
    }

    @Test("A template has its free characters from the choices")
    func template() throws {
        let model = try CModel()
        var pattern: OpaquePointer?
        let created = chargen_pattern_create_template(
            model.handle, "a__€", 6, Unicode.Scalar("_").value, "bé", 3, &pattern)
        #expect(created == CHARGEN_OK)
        let session = CSession(model)
        #expect(chargen_session_set_pattern(session.handle, pattern) == CHARGEN_OK)
        chargen_pattern_free(pattern)
        for _ in 0..<10 { #expect(["abb€", "abé€", "aéb€", "aéé€"].contains(session.generate(100))) }
        #expect(
            chargen_pattern_create_template(model.handle, "a_", 2, 0x5F, "x", 1, &pattern) == CHARGEN_INVALID_PATTERN)
        #expect(pattern == nil)
    }

    @Test("A maximum length holds over any number of calls, and any size is taken")
    func maximumLength() throws {
        let session = CSession(try CModel(hasEndOfDocument: false))
        #expect(chargen_session_set_max_length(session.handle, 5) == CHARGEN_OK)
        #expect(chargen_session_max_length(session.handle) == 5)
        let calls = [2, 2, 2, 9].map { session.generate($0).unicodeScalars.count }
        #expect(calls == [2, 2, 1, 5])
        #expect(chargen_session_ended(session.handle) == 1)
        #expect(chargen_session_set_max_length(session.handle, -1) == CHARGEN_OK)
        #expect(session.generate(20).unicodeScalars.count == 20)
    }
}
