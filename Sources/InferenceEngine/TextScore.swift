/// How probable a text is.
public struct TextScore: Equatable, Sendable {
    /// The sum of the natural logarithms of the characters' probabilities, each given those before
    /// it, at temperature 1: 0 for certainty, below 0 otherwise; negative infinity or NaN if the
    /// logits overflowed.
    public let logProbability: Double
    /// The number of characters that count.
    public let characters: Int

    /// The cross-entropy in bits a character; NaN for no characters.
    public var bitsPerCharacter: Double { -logProbability / 0.693_147_180_559_945_3 / Double(characters) }
}
