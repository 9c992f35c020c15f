# include()d by tests/CMakeLists.txt. A sanitized library cannot be linked by a plain consumer.
if(WEFT_INSTALL AND NOT WEFT_SANITIZE)
  add_test(NAME package_consumer
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/run.sh ${PROJECT_BINARY_DIR} ${CMAKE_CXX_COMPILER})
  set_tests_properties(package_consumer PROPERTIES TIMEOUT 300)
endif()
