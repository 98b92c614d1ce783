import Foundation

/// What a program needs beside a model's weights, as JSON: ``ForeignVocabulary`` reads the symbols.
struct ModelDescription: Encodable {
    /// The first bytes of each description in a file.
    static let beginning = Data("{\n  \"cell\" : \"".utf8)

    /// `rnn`, `gru` or `lstm`.
    let cell: String
    let layers: Int
    let hiddenSize: Int
    /// The number of symbols.
    let symbols: Int
    /// The characters, at the indices of their symbols.
    let vocabulary: [String]
    /// The symbol of all other characters; nil for none.
    let unknown: Int?
    /// The symbol of the end of a document; nil for none.
    let endOfDocument: Int?
    /// Whether the state is carried from one document into the next; nil without ``endOfDocument``.
    let keepsState: Bool?

    init(_ model: TrainedModel) {
        let vocabulary = model.vocabulary
        cell = model.shape.cell.name.description
        layers = model.shape.layers
        hiddenSize = model.shape.hiddenSize
        symbols = vocabulary.count
        self.vocabulary = vocabulary.characters.compactMap { Unicode.Scalar($0).map { String($0) } }
        unknown = vocabulary.unknown
        endOfDocument = vocabulary.endOfDocument
        keepsState = vocabulary.hasEndOfDocument ? vocabulary.carriesDocuments : nil
    }
}
