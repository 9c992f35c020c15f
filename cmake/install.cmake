# What `cmake --install` puts where, and the package that find_package(weft) finds.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(module runtime channels context weft)
  set_target_properties(weft_${module} PROPERTIES EXPORT_NAME ${module})
endforeach()

install(TARGETS weft_runtime weft_channels weft_context weft_weft
        EXPORT weftTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

# The three include trees become one: users need not know which module a word lives in.
foreach(module runtime channels context)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${module}/include/
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          FILES_MATCHING PATTERN "*.hpp")
endforeach()

set(weft_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${weft_cmake_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/weftConfig.cmake
                              INSTALL_DESTINATION ${weft_cmake_dir})
# Before 1.0 a new minor version may change any name.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
        DESTINATION ${weft_cmake_dir})
install(FILES ${PROJECT_SOURCE_DIR}/tools/gdb/weft_gdb.py
        DESTINATION ${CMAKE_INSTALL_DATADIR}/weft)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weft)
