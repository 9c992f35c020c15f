# cmake -DPROGRAM=... -DEXPECTED=... -P check_output.cmake
# Fails unless the program exits with 0 and prints exactly what the file says.

execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output ERROR_VARIABLE errors
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exit status ${status}\n--- stdout\n${output}--- stderr\n${errors}")
endif()
file(READ ${EXPECTED} expected)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "wrong output\n--- expected\n${expected}--- got\n${output}")
endif()
