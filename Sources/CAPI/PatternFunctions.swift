// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine

// Patterns, which a `chargen_pattern` points to, and what else shapes a session's texts.
// `@c @implementation` makes the compiler compare each with its declaration in include/chargen.h,
// which describes it.

@c @implementation
public func chargen_pattern_create(
    _ model: OpaquePointer?, _ expression: UnsafePointer<CChar>?, _ length: Int,
    _ pattern: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    pattern?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let expression = try checkedBytes(expression, "expression", length, "length")
        let pattern = try required(pattern, "pattern")
        pattern.pointee = try handle(Pattern(expression, for: model))
    }
}

@c @implementation
public func chargen_pattern_create_template(
    _ model: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int, _ free_character: UInt32,
    _ choices: UnsafePointer<CChar>?, _ choices_length: Int, _ pattern: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    pattern?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try object(model, Model.self, "model")
        let text = try checkedBytes(text, "text", length, "length")
        let choices = try checkedBytes(choices, "choices", choices_length, "choices_length")
        let pattern = try required(pattern, "pattern")
        pattern.pointee = try handle(
            Pattern(template: text, free: free_character, characters: choices, for: model))
    }
}

@c @implementation
public func chargen_pattern_free(_ pattern: OpaquePointer?) {
    release(pattern, Pattern.self)
}

@c @implementation
public func chargen_session_set_pattern(_ session: OpaquePointer?, _ pattern: OpaquePointer?) -> chargen_status {
    status { () throws(ChargenError) in
        let session = try object(session, Session.self, "session")
        try session.setPattern(pattern == nil ? nil : try object(pattern, Pattern.self, "pattern"))
    }
}

@c @implementation
public func chargen_session_set_max_length(_ session: OpaquePointer?, _ characters: Int) -> chargen_status {
    status { () throws(ChargenError) in
        try object(session, Session.self, "session").setMaximumLength(limit(characters))
    }
}

@c @implementation
public func chargen_session_max_length(_ session: OpaquePointer?) -> Int {
    existing(session)?.maximumLength ?? 0
}

@c @implementation
public func chargen_session_may_end(_ session: OpaquePointer?) -> Int32 {
    existing(session)?.mayEnd == true ? 1 : 0
}
