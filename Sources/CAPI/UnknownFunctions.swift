// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine
import ModelFormat

// What happens to characters that a model does not know. include/chargen.h describes the functions.

@c @implementation
public func chargen_session_set_unknown(_ session: OpaquePointer?, _ unknown: chargen_unknown) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        switch Int(unknown) {
        case CHARGEN_UNKNOWN_FAIL: session.unknownCharacters = .fail
        case CHARGEN_UNKNOWN_SKIP: session.unknownCharacters = .skip
        case CHARGEN_UNKNOWN_NEAREST: session.unknownCharacters = .nearest
        case CHARGEN_UNKNOWN_REPLACE:
            throw ChargenError(
                .invalidArgument, "CHARGEN_UNKNOWN_REPLACE needs a character: call chargen_session_set_replacement()")
        default:
            throw ChargenError(
                .invalidArgument,
                "the argument 'unknown' is \(unknown), neither CHARGEN_UNKNOWN_FAIL, _SKIP nor _NEAREST")
        }
    }
}

@c @implementation
public func chargen_session_set_replacement(_ session: OpaquePointer?, _ character: UInt32) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        guard session.model.vocabulary.symbol(of: character) != nil, let replacement = Unicode.Scalar(character) else {
            throw ChargenError(.unknownCharacter, "the argument 'character' is none that the model knows")
        }
        session.unknownCharacters = .replace(replacement)
    }
}

@c @implementation
public func chargen_session_unknown(_ session: OpaquePointer?) -> chargen_unknown {
    let unknown =
        switch existing(session)?.unknownCharacters {
        case .fail, nil: CHARGEN_UNKNOWN_FAIL
        case .skip: CHARGEN_UNKNOWN_SKIP
        case .replace: CHARGEN_UNKNOWN_REPLACE
        case .nearest: CHARGEN_UNKNOWN_NEAREST
        }
    return chargen_unknown(unknown)
}

@c @implementation
public func chargen_session_replacement(_ session: OpaquePointer?) -> UInt32 {
    guard case .replace(let character) = existing(session)?.unknownCharacters else { return CHARGEN_END_OF_DOCUMENT }
    return character.value
}

@c @implementation
public func chargen_model_nearest(
    _ model: OpaquePointer?, _ character: UInt32, _ nearest: UnsafeMutablePointer<UInt32>?
) -> chargen_status {
    nearest?.pointee = 0
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let nearest = try required(nearest, "nearest")
        guard let found = model.vocabulary.nearestCharacter(to: character) else {
            throw ChargenError(.unknownCharacter, "the model knows no character near that of the argument 'character'")
        }
        nearest.pointee = found
    }
}
