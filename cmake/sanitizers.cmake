# WEFT_SANITIZE, applied to the library, its tests and its examples alike: a sanitizer that sees only half
# of a program reports races and overflows that are not there.

if(NOT WEFT_SANITIZE)
  return()
endif()

if(WEFT_SANITIZE STREQUAL "address")
  # An undefined operation must fail the test that ran into it, not only print a line.
  set(weft_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(WEFT_SANITIZE STREQUAL "thread")
  set(weft_sanitize_flags -fsanitize=thread)
else()
  message(FATAL_ERROR "WEFT_SANITIZE is '${WEFT_SANITIZE}'; it must be empty, address or thread")
endif()

add_compile_options(${weft_sanitize_flags} -fno-omit-frame-pointer -g)
add_link_options(${weft_sanitize_flags})
