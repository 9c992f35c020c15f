# Read by ctest when it lists this folder; all tests of that ctest run inherit it.
if(NOT DEFINED ENV{WEFT_TEST_SCALE})
  set(ENV{WEFT_TEST_SCALE} 0.05)
endif()
