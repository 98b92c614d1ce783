import CAPI
import CChargen
import Core
import ModelFormat
import TestSupport
import Testing

@Suite("Questions about a model")
struct QuestionTests {
    @Test("The shape is the file's", arguments: [(Cell.rnn, "rnn"), (.gru, "gru"), (.lstm, "lstm")])
    func shape(cell: Cell, name: String) throws {
        let model = CModel(try randomModel(cell, layers: 3, hiddenSize: 7, characters: "abc", hasEndOfDocument: false))
        #expect(String(cString: chargen_model_cell(model.handle)) == name)
        #expect(chargen_model_layer_count(model.handle) == 3)
        #expect(chargen_model_hidden_size(model.handle) == 7)
        // Each gate of the layer has weights for the input and the hidden state and two biases;
        // then follows the output layer.
        let gates = [Cell.rnn: 1, .gru: 3, .lstm: 4][cell, default: 0]
        let layers = gates * 7 * (3 + 7 + 2) + 2 * gates * 7 * (7 + 7 + 2)
        #expect(chargen_model_parameter_count(model.handle) == layers + 3 * (7 + 1))
        let backend = String(cString: chargen_model_backend(model.handle))
        #expect(["portable", "avx2", "avx512", "dotprod"].contains(backend))
    }

    @Test(
        "The type of the weights is the file's",
        arguments: [(ElementType.float32, "f32"), (.bfloat16, "bf16"), (.int8, "int8"), (.int4, "int4")])
    func weights(type: ElementType, name: String) throws {
        let model = CModel(try randomModel(.gru, weights: type))
        #expect(String(cString: chargen_model_weight_type(model.handle)) == name)
    }

    @Test("The vocabulary is the file's, in ascending order")
    func vocabulary() throws {
        let model = try CModel(characters: "b€aé😀", hasEndOfDocument: true)
        let expected = "abé€😀".unicodeScalars.map(\.value)
        #expect(chargen_model_character_count(model.handle) == 5)
        for (index, scalar) in expected.enumerated() {
            var character: UInt32 = 0
            #expect(chargen_model_character(model.handle, index, &character) == CHARGEN_OK)
            #expect(character == scalar)
            #expect(chargen_model_knows(model.handle, scalar) == 1)
        }
        #expect(chargen_model_knows(model.handle, 0x63) == 0)
        #expect(chargen_model_knows(model.handle, CHARGEN_END_OF_DOCUMENT) == 0)
    }

    @Test("A character beyond the last is refused", arguments: [5, Int.max, -1, Int.min])
    func indexOutOfRange(index: Int) throws {
        let model = try CModel(characters: "abcde")
        var character: UInt32 = 1
        #expect(chargen_model_character(model.handle, index, &character) == CHARGEN_INVALID_ARGUMENT)
        #expect(character == 0)
        #expect(errorMessage() == "the argument 'index' must be from 0 to 4 for this model")
    }

    @Test("The end of documents is known or not", arguments: [true, false])
    func endOfDocument(isKnown: Bool) throws {
        let model = try CModel(hasEndOfDocument: isKnown)
        #expect(chargen_model_has_end_of_document(model.handle) == (isKnown ? 1 : 0))
    }

    @Test("The model has an unknown symbol or not, which is no character", arguments: [true, false])
    func unknown(hasUnknown: Bool) throws {
        let model = try CModel(characters: "abc", hasUnknown: hasUnknown)
        #expect(chargen_model_has_unknown(model.handle) == (hasUnknown ? 1 : 0))
        #expect(chargen_model_character_count(model.handle) == 3)
        #expect(chargen_model_knows(model.handle, 0x1F600) == 0)
        var character: UInt32 = 1
        #expect(chargen_model_character(model.handle, 3, &character) == CHARGEN_INVALID_ARGUMENT)
    }

    @Test("The longest character has its length", arguments: [("a", 1), ("aé", 2), ("a€", 3), ("a😀", 4)])
    func longestCharacter(characters: String, length: Int) throws {
        let model = try CModel(characters: characters)
        #expect(chargen_model_max_character_bytes(model.handle) == length)
    }

    @Test("The provenance is the file's, ended by a NUL that the length leaves out")
    func provenance() throws {
        let model = try CModel()
        var length = 0
        let text = try #require(chargen_model_provenance(model.handle, &length))
        #expect(String(cString: text) == "{\"chargen\":\"test\"}")
        #expect(length == 18)
        #expect(chargen_model_provenance(model.handle, nil) == text)
    }

    @Test("NULL has no properties, and is no failure")
    func null() {
        #expect(String(cString: chargen_model_cell(nil)).isEmpty)
        #expect(String(cString: chargen_model_backend(nil)).isEmpty)
        #expect(String(cString: chargen_model_weight_type(nil)).isEmpty)
        #expect(chargen_model_layer_count(nil) == 0)
        #expect(chargen_model_hidden_size(nil) == 0)
        #expect(chargen_model_parameter_count(nil) == 0)
        #expect(chargen_model_character_count(nil) == 0)
        #expect(chargen_model_knows(nil, 0x61) == 0)
        #expect(chargen_model_max_character_bytes(nil) == 0)
        #expect(chargen_model_has_end_of_document(nil) == 0)
        #expect(chargen_model_has_unknown(nil) == 0)
        #expect(chargen_session_ended(nil) == 0)
        var length = 1
        #expect(String(cString: chargen_model_provenance(nil, &length)).isEmpty)
        #expect(length == 0)
        chargen_model_free(nil)
        chargen_session_free(nil)
        chargen_batch_free(nil)
    }

    @Test("Missing arguments are named")
    func arguments() throws {
        var character: UInt32 = 1
        #expect(chargen_model_character(nil, 0, &character) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'model' is NULL")
        #expect(character == 0)
        let model = try CModel()
        #expect(chargen_model_character(model.handle, 0, nil) == CHARGEN_INVALID_ARGUMENT)
        #expect(errorMessage() == "the argument 'character' is NULL")
    }
}
